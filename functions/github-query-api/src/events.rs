//! `GET /events` and `GET /events/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::Utc;
use kit::http::Problem;
use lake::{Page, Query, View, github};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Answer, Key, Question};
use crate::cursor::{Cursor, Walk};
use crate::event::rfc3339;
use crate::explain::Explain;
use crate::parameters::{self, Parameters};
use crate::{Api, EventView, away, measured};

/// What `GET /events` takes. Read by [`Parameters::parse`]; this is its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the documentation is made of it")]
pub(crate) struct EventsParameters {
    /// Hours before now, or before `until`; 24 when there is no `since`, and not beside one.
    #[param(minimum = 1, maximum = 87_600, nullable = false)]
    hours_back: Option<u32>,
    /// Only events of this type.
    #[param(pattern = "^[A-Za-z0-9_]{1,64}$", example = "PushEvent", nullable = false)]
    event_type: Option<String>,
    /// Only events of this repository, `owner/name`.
    #[param(pattern = "^[A-Za-z0-9._-]{1,39}/[A-Za-z0-9._-]{1,100}$", nullable = false)]
    repo: Option<String>,
    /// Only events of this user.
    #[param(pattern = "^[A-Za-z0-9._-]{1,39}(\\[bot\\])?$", nullable = false)]
    actor: Option<String>,
    /// Only events of this organisation.
    #[param(pattern = "^[A-Za-z0-9._-]{1,39}$", nullable = false)]
    org: Option<String>,
    /// Only events of this time and later, RFC 3339.
    #[param(format = DateTime, nullable = false)]
    since: Option<String>,
    /// Only events before this time, RFC 3339.
    #[param(format = DateTime, nullable = false)]
    until: Option<String>,
    /// Events of a page at most, 100 unless it is given. A page is also limited in bytes.
    #[param(minimum = 1, maximum = 1_000, nullable = false)]
    page_size: Option<usize>,
    /// `next_cursor` of the page before. The walk stays on the state of the table that it began on, for an hour after
    /// that state was the newest. Beside it no other parameters are needed, and none that differ are taken.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// Whether to tell what the query read and what it could skip.
    #[param(nullable = false)]
    explain: Option<bool>,
}

/// The answer of `GET /events`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Events {
    /// Newest first: by `created_at`, then by `id`.
    events: Vec<EventView>,
    count: usize,
    /// Where the next page begins; null when this is the last one.
    next_cursor: Option<String>,
    /// False when the search ended at its budget of bytes; `next_cursor` goes on from there.
    complete: bool,
    /// Begin of the time asked for.
    since: Option<String>,
    /// End of the time asked for; null when there is none.
    until: Option<String>,
    page_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hours_back: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    explain: Option<Explain>,
}

/// Events, newest first, page by page.
#[utoipa::path(get, path = "/events", params(EventsParameters), responses(
    (status = 200, body = Events, headers(("ETag"), ("X-Cache", description = "hit, miss or bypass"))),
    (status = 304, description = "the answer is the one that If-None-Match names"),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, content_type = "application/problem+json", description = "the cursor is too old"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn events(
    State(api): State<Arc<Api>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let began = Utc::now();
    let Parameters { filters, page_size, cursor, explain } = Parameters::parse(query.as_deref())?;
    let now = api.reader.view().await.map_err(|error| away(&error))?;
    let (view, walk) = match &cursor {
        Some(cursor) => {
            let view = resume(&api, &now, cursor, began.timestamp_micros()).await?;
            let Cursor { begun, view: name, filters, since, until, .. } = cursor.clone();
            (view, Walk { begun, view: name, filters, since, until, page_size })
        }
        None => {
            let (since, until) = filters.window(began);
            let begun = began.timestamp_micros();
            (now.clone(), Walk { begun, view: now.name(), filters, since, until, page_size })
        }
    };
    let after = cursor.map(|cursor| cursor.after);
    let moving = walk.filters.moving().filter(|_| after.is_none());
    let stands = moving.is_none().then_some(walk.since);
    let question = Question::events(walk.filters.clone(), page_size, after.as_ref(), stands);
    let key = Key { view: walk.view.clone(), question };
    if !explain && let Some(answer) = api.answers.get(&key, walk.since) {
        measured("events", began, true, None);
        return Ok(answer.respond(&headers, "hit"));
    }
    let query = Query {
        since: walk.since,
        until: walk.until,
        equal: walk.filters.equal(),
        after,
        limit: page_size,
        budget: api.limits.budget(),
        answer_bytes: api.limits.answer_bytes,
    };
    let page = api.reader.page(&view, &query).await.map_err(|error| match lake::is_gone(&error) {
        true if query.after.is_some() => gone(),
        _ => away(&error),
    })?;
    measured("events", began, false, Some(&page.figures));
    let (complete, figures) = (page.complete, page.figures);
    let answer = answer(&page, &walk, explain.then(|| figures.into()))?;
    if explain {
        return Ok(answer.respond(&headers, "bypass"));
    }
    let response = answer.respond(&headers, "miss");
    if complete {
        api.answers.insert(key, answer);
    }
    Ok(response)
}

/// The state that a walk is on.
async fn resume(api: &Api, now: &View, cursor: &Cursor, at: i64) -> Result<View, Problem> {
    let age = u64::try_from(at.saturating_sub(cursor.begun)).unwrap_or(0);
    if cursor.view != now.name() && u128::from(age) > lake::VIEW_AGE.as_micros() {
        return Err(gone());
    }
    api.reader.named(now, &cursor.view).await.map_err(|error| away(&error))?.ok_or_else(gone)
}

fn gone() -> Problem {
    Problem::gone("the state of the table that this cursor's walk is on is kept no more; begin again without a cursor")
}

fn answer(page: &Page, walk: &Walk, explain: Option<Explain>) -> anyhow::Result<Answer> {
    // A window that moves takes rows away at its old end: the answer holds until its oldest row would go.
    let oldest = page.rows.iter().filter_map(|row| row.timestamp(github::CREATED_AT)).min().unwrap_or(i64::MAX);
    let ids: Vec<_> = page.rows.iter().map(|row| (row.text(github::ID), row.timestamp(github::CREATED_AT))).collect();
    let next = page.next.as_ref().map(|next| (next.time, &next.key, &walk.view));
    let same = (ids, next, page.complete, &walk.filters, walk.page_size);
    let events: Vec<EventView> = page.rows.iter().map(|row| EventView::of(row)).collect();
    let body = |next_cursor| Events {
        count: events.len(),
        next_cursor,
        complete: page.complete,
        since: rfc3339(walk.since),
        until: rfc3339(walk.until),
        page_size: walk.page_size,
        hours_back: walk.filters.hours_back,
        event_type: walk.filters.event_type.clone(),
        explain,
        events,
    };
    let next_cursor = page.next.clone().map(|next| Cursor::new(walk.clone(), next).encode()).transpose()?;
    Answer::new(&body(next_cursor), &same, oldest)
}

/// The event with this id, whenever it was.
#[utoipa::path(get, path = "/events/{id}", params(("id" = String, Path, description = "GitHub's id of the event")),
    responses(
        (status = 200, body = EventView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn event_by_id(
    State(api): State<Arc<Api>>,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<EventView>, Problem> {
    parameters::none(query.as_deref())?;
    let Ok(Path(id)) = path else { return Err(Problem::bad_parameter("id", "is not UTF-8", "an event's id")) };
    let (began, view) = (Utc::now(), api.reader.view().await.map_err(|error| away(&error))?);
    let query = Query {
        since: i64::MIN,
        until: i64::MAX,
        equal: vec![(github::ID, id.clone())],
        after: None,
        limit: 1,
        budget: api.limits.budget(),
        answer_bytes: usize::MAX,
    };
    let page = api.reader.page(&view, &query).await.map_err(|error| away(&error))?;
    measured("event", began, false, Some(&page.figures));
    match page.rows.first() {
        Some(row) => Ok(Json(EventView::of(row))),
        None if page.complete => Err(Problem::not_found(format!("no event {id:?}"))),
        None => {
            Err(Problem::unavailable("the search for this event is not at its end; ask again, it goes on from here"))
        }
    }
}
