//! The small columns of row groups, decoded once: times, keys, and texts as numbers of a dictionary. Whatever a query
//! filters, orders or counts by is here; only the rows that it shows are read whole.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use anyhow::Context;
use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;

use super::dictionary::{Dictionary, NULL, Texts};
use super::figures::{Meter, add};
use super::kept::Kept;
use super::object::Opened;
use crate::data_file::{RowGroup, decode};
use crate::schema::{ColumnType, TableSchema};

/// Decoded columns that are kept at most, bytes.
const COLUMN_BYTES: usize = 256 << 20;
/// Dictionaries of this size are thrown away with all that refers to them, and begun again.
const DICTIONARY_BYTES: usize = 160 << 20;

/// A decoded column of a row group.
#[derive(Clone)]
enum Column {
    Times(Arc<Vec<i64>>),
    Keys(Arc<Texts>),
    Codes(Arc<Vec<u32>>),
}

impl Column {
    fn size(&self) -> usize {
        match self {
            Self::Times(times) => times.capacity() * size_of::<i64>(),
            Self::Keys(keys) => keys.size(),
            Self::Codes(codes) => codes.capacity() * size_of::<u32>(),
        }
    }
}

/// Columns of a row group.
pub(crate) struct Group {
    columns: Vec<(usize, Column)>,
    dictionaries: Arc<Dictionaries>,
}

impl Group {
    fn column(&self, position: usize) -> Option<&Column> {
        self.columns.iter().find(|(of, _)| *of == position).map(|(_, column)| column)
    }

    /// The time of each row; empty unless it was asked for.
    pub(crate) fn times(&self, schema: &TableSchema) -> &[i64] {
        match self.column(schema.time) {
            Some(Column::Times(times)) => times,
            _ => &[],
        }
    }

    /// The key of each row, when it was asked for.
    pub(crate) fn keys(&self, schema: &TableSchema) -> Option<&Texts> {
        match self.column(schema.key) {
            Some(Column::Keys(keys)) => Some(keys),
            _ => None,
        }
    }

    /// The number of each row's text; empty unless it was asked for.
    pub(crate) fn codes(&self, position: usize) -> &[u32] {
        match self.column(position) {
            Some(Column::Codes(codes)) => codes,
            _ => &[],
        }
    }
}

/// A dictionary a column. A query uses one set of them from its begin to its end.
pub(crate) struct Dictionaries(Vec<RwLock<Dictionary>>);

impl Dictionaries {
    fn new(schema: &TableSchema) -> Self {
        Self(schema.columns.iter().map(|_| RwLock::default()).collect())
    }

    fn size(&self) -> usize {
        self.0.iter().map(|column| column.read().unwrap_or_else(PoisonError::into_inner).size()).sum()
    }

    /// The dictionary of a column.
    ///
    /// # Errors
    /// When the table has no such column.
    pub(crate) fn column(&self, position: usize) -> anyhow::Result<RwLockReadGuard<'_, Dictionary>> {
        let column = self.0.get(position).context("the table has no such column")?;
        Ok(column.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn codes<'a>(&self, position: usize, texts: impl Iterator<Item = Option<&'a str>>) -> anyhow::Result<Vec<u32>> {
        let column = self.0.get(position).context("the table has no such column")?;
        let mut column = column.write().unwrap_or_else(PoisonError::into_inner);
        Ok(texts.map(|text| text.map_or(NULL, |text| column.intern(text))).collect())
    }
}

/// The decoded columns of many row groups.
pub(crate) struct Columns {
    schema: &'static TableSchema,
    state: Mutex<State>,
}

struct State {
    groups: Kept<(Arc<str>, usize), Arc<Group>>,
    dictionaries: Arc<Dictionaries>,
}

impl Columns {
    pub(crate) fn new(schema: &'static TableSchema) -> Self {
        let dictionaries = Arc::new(Dictionaries::new(schema));
        Self { schema, state: Mutex::new(State { groups: Kept::new(COLUMN_BYTES), dictionaries }) }
    }

    /// The dictionaries of a query that begins now.
    pub(crate) fn dictionaries(&self) -> Arc<Dictionaries> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.dictionaries.size() > DICTIONARY_BYTES {
            state.groups.clear();
            state.dictionaries = Arc::new(Dictionaries::new(self.schema));
        }
        state.dictionaries.clone()
    }

    /// The `wanted` columns of a row group, and any others that are known.
    ///
    /// # Errors
    /// When S3 does not answer, or a column is not what its footer says.
    pub(crate) async fn of(
        &self,
        opened: &Opened,
        index: usize,
        wanted: &[usize],
        dictionaries: &Arc<Dictionaries>,
        meter: &Meter,
    ) -> anyhow::Result<Arc<Group>> {
        let key = (opened.path.clone(), index);
        let known = self.state.lock().unwrap_or_else(PoisonError::into_inner).groups.get(&key);
        let known = known.filter(|group| Arc::ptr_eq(&group.dictionaries, dictionaries));
        let is_known = |column: &usize| known.as_ref().is_some_and(|group| group.column(*column).is_some());
        let missing: Vec<usize> = wanted.iter().copied().filter(|column| !is_known(column)).collect();
        add(&meter.bytes_used, opened.stored(index, wanted));
        if missing.is_empty()
            && let Some(group) = known
        {
            return Ok(group);
        }
        let stored = opened.source.columns(index, &missing).await?;
        if !opened.source.is_held() {
            add(&meter.bytes_read, stored.part.bytes.len() as u64);
        }
        let (schema, of_query) = (self.schema, dictionaries.clone());
        let decoding = tokio::task::spawn_blocking(move || read(schema, &stored, &missing, &of_query));
        let mut columns = decoding.await.context("decode columns")??;
        columns.extend(known.iter().flat_map(|group| group.columns.iter().cloned()));
        let size = columns.iter().map(|(_, column)| column.size()).sum();
        let group = Arc::new(Group { columns, dictionaries: dictionaries.clone() });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&state.dictionaries, dictionaries) {
            state.groups.insert(key, group.clone(), size);
        }
        Ok(group)
    }
}

fn read(
    schema: &TableSchema,
    stored: &RowGroup,
    positions: &[usize],
    dictionaries: &Dictionaries,
) -> anyhow::Result<Vec<(usize, Column)>> {
    let read = |position: &usize| {
        let column = column(schema, stored, *position, dictionaries);
        let column = column.with_context(|| format!("column {} of {}", schema.name(*position), stored.path))?;
        Ok((*position, column))
    };
    positions.iter().map(read).collect()
}

fn column(
    schema: &TableSchema,
    stored: &RowGroup,
    position: usize,
    dictionaries: &Dictionaries,
) -> anyhow::Result<Column> {
    let rows = usize::try_from(stored.footer()?.num_rows()).unwrap_or(0);
    let (mut times, mut keys, mut codes) = (Vec::new(), Texts::default(), Vec::new());
    for batch in decode(stored, Some(&[position]), None)? {
        let batch = batch.context("decode")?;
        let array = batch.columns().first().context("no such column")?;
        if position == schema.time {
            let of_batch = array.as_primitive_opt::<TimestampMicrosecondType>().context("times of another type")?;
            times.extend_from_slice(of_batch.values());
            continue;
        }
        let kind = schema.columns.get(position).map(|column| column.kind);
        anyhow::ensure!(kind == Some(ColumnType::Text), "only texts are compared and counted");
        let texts = array.as_string_opt::<i32>().context("texts of another type")?;
        if position == schema.key {
            texts.iter().for_each(|key| keys.push(key.unwrap_or_default()));
        } else {
            codes.extend(dictionaries.codes(position, texts.iter())?);
        }
    }
    let found = times.len() + keys.len() + codes.len();
    anyhow::ensure!(found == rows, "{found} values for {rows} rows");
    Ok(match position {
        position if position == schema.time => Column::Times(Arc::new(times)),
        position if position == schema.key => Column::Keys(Arc::new(keys)),
        _ => Column::Codes(Arc::new(codes)),
    })
}
