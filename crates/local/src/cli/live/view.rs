//! Drawing: a head line, a row a function, the end of the selected one's log, the keys.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Paragraph, Row as TableRow, Table, TableState},
};

use super::{
    format::{count, milliseconds},
    state::{Row, State},
};

const KEYS: &str = "up/down select   p pause/resume   i invoke   r restart   d docs   q quit";

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    // Rows, their head and a line between; the log has the rest, and at least a third of the screen.
    let wanted = u16::try_from(state.rows.len()).unwrap_or(u16::MAX).saturating_add(2);
    let most = (frame.area().height.saturating_sub(3) * 2 / 3).max(3);
    let [head, table, log, message, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(wanted.min(most)),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(self::head(state), head);
    functions(frame, table, state);
    self::log(frame, log, state);
    frame.render_widget(Paragraph::new(state.message.as_str()).style(Style::new().fg(Color::Yellow)), message);
    frame.render_widget(Paragraph::new(KEYS).style(Style::new().add_modifier(Modifier::DIM)), keys);
}

fn head(state: &State) -> Paragraph<'_> {
    let ill: Vec<&str> = state
        .snapshot
        .services
        .iter()
        .filter(|service| !matches!(service.state.as_str(), "running" | "external"))
        .map(|service| service.name.as_str())
        .collect();
    let services = match ill.as_slice() {
        [] => {
            let count = state.snapshot.services.len();
            Span::raw(format!("{count} service{}", if count == 1 { "" } else { "s" }))
        }
        ill => Span::styled(format!("not running: {}", ill.join(", ")), Style::new().fg(Color::Red)),
    };
    let apis = state.snapshot.apis.iter().map(|(name, address)| Span::raw(format!("   {name} {address}")));
    let title = Span::styled("millrace  ", Style::new().add_modifier(Modifier::BOLD));
    Paragraph::new(Line::from_iter([title, services].into_iter().chain(apis)))
}

fn functions(frame: &mut Frame<'_>, area: Rect, state: &State) {
    const HEAD: [&str; 12] =
        ["FUNCTION", "STATE", "RUN", "INV/S", "TOTAL", "ERR", "P50", "P99", "COLD", "SOURCE", "LAG", "FILL"];
    const WIDTHS: [Constraint; 12] = [
        Constraint::Min(16),
        Constraint::Length(7),
        Constraint::Length(4),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Length(4),
        Constraint::Min(12),
        Constraint::Length(15),
        Constraint::Length(4),
    ];
    let head = TableRow::new(HEAD).style(Style::new().add_modifier(Modifier::DIM));
    let table = Table::new(state.rows.iter().map(function), WIDTHS)
        .header(head)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut selected = TableState::default().with_selected(state.selected);
    frame.render_stateful_widget(table, area, &mut selected);
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn function(row: &Row) -> TableRow<'static> {
    let function = &row.function;
    let dash = || "-".to_owned();
    let time = |ms: Option<f64>| ms.map_or_else(dash, milliseconds);
    let lag = row.lag.map_or_else(dash, |lag| {
        let age = lag.seconds.filter(|_| lag.records > 0).map(|seconds| format!(" {}", milliseconds(seconds * 1000.0)));
        format!("{}{}", count(lag.records as f64), age.unwrap_or_default())
    });
    let state = if row.paused { "paused" } else { function.state.as_str() };
    let mark = |wrong: bool| if wrong { Style::new().fg(Color::Red) } else { Style::new() };
    TableRow::new([
        Cell::new(function.name.clone()),
        Cell::new(state.to_owned()),
        Cell::new(function.in_flight.to_string()),
        Cell::new(if row.rate > 0.0 { format!("{:.1}", row.rate) } else { dash() }),
        Cell::new(count(function.invocations as f64)),
        Cell::new(count(function.errors as f64)).style(mark(function.errors > 0)),
        Cell::new(time(function.p50_ms)),
        Cell::new(time(function.p99_ms)),
        Cell::new(count(function.cold_starts as f64)),
        Cell::new(row.source.clone()),
        Cell::new(lag),
        Cell::new(row.fill.map_or_else(dash, |fill| format!("{:.0}%", fill * 100.0))),
    ])
}

/// The end of the selected function's log, or the beginning of the news.
fn log(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let title = match state.selected_name() {
        _ if !state.news.is_empty() => " news, until the next key ".to_owned(),
        Some(name) => format!(" log of {name} "),
        None => String::new(),
    };
    let block = Block::new().borders(Borders::TOP).title(title);
    let space = usize::from(block.inner(area).height);
    let newest = state.log.iter().skip(state.log.len().saturating_sub(space));
    let lines =
        if state.news.is_empty() { newest.collect() } else { state.news.iter().take(space).collect::<Vec<_>>() };
    let lines: Vec<Line<'_>> = lines.into_iter().map(|line| Line::raw(line.as_str())).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::cli::live::state::tests::snapshot;

    fn drawn(width: u16, height: u16, state: &State) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, state)).unwrap();
        let cells = terminal.backend().buffer().content().chunks(usize::from(width));
        cells
            .map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn the_screen_tells_what_happens() {
        let mut state = State::default();
        state.take(snapshot(12_345), Instant::now());
        state.log = vec!["old".into(), "START RequestId: r-1".into()];
        state.say("paused".into());
        let screen = drawn(130, 9, &state);
        assert_eq!(screen[0], "millrace  1 service   QueryHttpApi http://localhost:8003");
        assert!(screen[1].starts_with("FUNCTION"));
        for part in ["writer", "warm", "12.3k", "12 ms", "1.5 s", "events", "1,204 800 ms", "87%"] {
            assert!(screen[2].contains(part), "{part} is not in {}", screen[2]);
        }
        assert!(screen[5].contains("log of writer"), "{screen:?}");
        assert_eq!(screen[6], "START RequestId: r-1", "the newest line has the place that there is");
        assert_eq!(screen[7], "paused");
        state.hear("error: one\nerror: two");
        let told = drawn(130, 9, &state);
        assert!(told[5].contains("news") && told[6] == "error: one", "{told:?}");
        assert!(screen[8].contains("p pause"));
    }

    #[test]
    fn a_small_terminal_is_no_reason_to_fall_over() {
        let mut state = State::default();
        state.take(snapshot(1), Instant::now());
        for (width, height) in [(1, 1), (20, 3), (80, 24)] {
            assert_eq!(drawn(width, height, &state).len(), usize::from(height));
        }
    }
}
