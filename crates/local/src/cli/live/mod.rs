//! The live view of `millrace up` on a terminal, and of `millrace top`: what each function does now, the end of one log,
//! and keys to act.
//!
//! [`state`] is what is shown and how keys change it, [`view`] draws it; both are pure. [`actions`] talks to the runner.

mod actions;
mod format;
mod snapshot;
mod state;
mod view;

use std::{io::IsTerminal, time::Duration};

use anyhow::{Context, bail};
use futures::FutureExt;
use ratatui::crossterm::{
    event::{self, Event, KeyEventKind},
    execute,
    terminal::{Clear, ClearType},
};
use tokio::sync::mpsc;

use self::{
    actions::Actions,
    state::{Command, State},
};
use crate::instance::{Instance, Running};

/// How often the runner is asked.
const REFRESH: Duration = Duration::from_secs(1);

/// How long one look at the keyboard may block its thread.
const KEY_WAIT: Duration = Duration::from_millis(200);

/// Whether there is somebody to look at it.
pub(in crate::cli) fn is_possible() -> bool {
    std::io::stdout().is_terminal()
        && std::io::stdin().is_terminal()
        && std::env::var("TERM").is_ok_and(|t| t != "dumb")
}

/// `millrace top`: the view of a stack that runs elsewhere; leaving it stops nothing.
///
/// # Errors
/// When nothing runs, or this is no terminal.
pub(in crate::cli) async fn top(instance: &Instance) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    if !is_possible() {
        bail!("the live view needs a terminal; `millrace status` prints the same once");
    }
    let (_sender, news) = mpsc::unbounded_channel();
    run(instance, &running, news, std::future::pending()).await
}

/// Shows the stack until `stop` is done, or a key asks for its end. `news` are told as they come: what was reloaded, and
/// the compiler's words when it could not be.
///
/// # Errors
/// When the terminal cannot be used.
pub(in crate::cli) async fn run(
    instance: &Instance,
    running: &Running,
    news: mpsc::UnboundedReceiver<String>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let actions = Actions::new(instance, running)?;
    let mut terminal = ratatui::try_init().context("take over the terminal")?;
    let shown = show(&mut terminal, &actions, news, stop).await;
    ratatui::restore();
    shown
}

async fn show(
    terminal: &mut ratatui::DefaultTerminal,
    actions: &Actions,
    mut news: mpsc::UnboundedReceiver<String>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    // What a terminal shows on its other screen at first is not defined. (`Terminal::clear` would ask it where its cursor
    // is, and not every terminal answers.)
    execute!(std::io::stdout(), Clear(ClearType::All)).context("clear the terminal")?;
    let mut keys = keys();
    let mut ticks = tokio::time::interval(REFRESH);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut state = State::default();
    let stop = stop.fuse();
    tokio::pin!(stop);
    loop {
        terminal.draw(|frame| view::draw(frame, &state)).context("draw")?;
        tokio::select! {
            () = &mut stop => return Ok(()),
            _ = ticks.tick() => {
                match actions.snapshot().await {
                    Ok(snapshot) => state.take(snapshot, std::time::Instant::now()),
                    Err(error) => state.say(format!("the runner does not answer: {error:#}")),
                }
                state.log = actions.log_end(state.selected_name());
            }
            Some(text) = news.recv() => state.hear(&text),
            Some(event) = keys.recv() => {
                let Event::Key(key) = event else { continue };
                match state.press(key.code, key.modifiers) {
                    Some(Command::Quit) => return Ok(()),
                    Some(command) => {
                        let said = actions.run(&command).await;
                        state.say(said.unwrap_or_else(|error| format!("{error:#}")));
                    }
                    None => {}
                }
                state.log = actions.log_end(state.selected_name());
            }
        }
    }
}

/// Key presses and changes of the terminal's size; the thread ends with its receiver.
fn keys() -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let Ok(true) = event::poll(KEY_WAIT) else { continue };
            let Ok(event) = event::read() else { return };
            let pressed = !matches!(event, Event::Key(key) if key.kind == KeyEventKind::Release);
            if pressed && sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}
