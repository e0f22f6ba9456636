//! Copies against what they were copied from.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use iceberg::io::{FileIOBuilder, MemoryStorageFactory};
use iceberg::spec::Datum;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use parquet::file::metadata::PageIndexPolicy;

use super::*;
use crate::Config;
use crate::segment::{SegmentBuilder, Value};
use crate::testing::SCHEMA;

/// A lake whose storage is memory.
fn lake() -> Lake {
    let mut lake = Lake::new(Config::read("test", "rows", |_| None), &SCHEMA, pg::testing::nowhere());
    lake.storage = FileIOBuilder::new(Arc::new(MemoryStorageFactory)).build();
    lake
}

fn place() -> Place {
    Place { location: "memory:/data".to_owned(), partition_spec_id: 0 }
}

/// Rows `from..to`, a microsecond apart, with documents that do not compress.
fn segment(from: i64, to: i64, document_bytes: usize) -> Source {
    let mut builder = SegmentBuilder::new(&SCHEMA).unwrap();
    let mut noise = 1_u64;
    for n in from..to {
        let document: String = (0..document_bytes)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(33 + u8::try_from((noise >> 33) % 90).unwrap())
            })
            .collect();
        let (id, number) = (format!("{n:08}"), if n % 3 == 0 { Value::Null } else { Value::Long(n) });
        let kind = if n % 2 == 0 { "even" } else { "odd" };
        let row = [Value::Text(&id), Value::Text(kind), Value::Timestamp(n), number, Value::Text(&document)];
        builder.push(&row).unwrap();
    }
    Source::held(&format!("segment-{from}"), builder.finish().unwrap().unwrap().bytes).unwrap()
}

async fn write(lake: &Lake, sources: &[&Source], target: usize) -> Vec<DataFile> {
    let place = place();
    let mut writer = FileWriter::new(lake, &place, 0, target);
    let groups: Vec<_> = sources.iter().map(|source| (*source, 0)).collect();
    writer.push(&groups).await.unwrap();
    writer.finish().await.unwrap()
}

fn rows(bytes: bytes::Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

async fn rows_of(source: &Source) -> RecordBatch {
    let group = source.row_group(0).await.unwrap();
    let batches: Vec<RecordBatch> = encode::decode(&group, None, None).unwrap().map(Result::unwrap).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[tokio::test]
async fn a_large_row_group_is_copied_with_its_statistics_dictionaries_and_page_index() {
    let lake = lake();
    let (first, second) = (segment(0, 3_000, 300), segment(3_000, 5_000, 300));
    assert!(is_copied(&first.row_groups()[0]) && is_copied(&second.row_groups()[0]));
    let files = write(&lake, &[&first, &second], 1 << 30).await;
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].record_count(), 5_000);
    assert_eq!(files[0].lower_bounds()[&1], Datum::string("00000000"));
    assert_eq!(files[0].upper_bounds()[&3], Datum::timestamptz_micros(4_999));
    assert_eq!(files[0].null_value_counts()[&4], 1_667);
    assert!(!files[0].upper_bounds().contains_key(&5), "a document has no bounds");

    let bytes = lake.read(files[0].file_path()).await.unwrap();
    assert_eq!(bytes.len() as u64, files[0].file_size_in_bytes());
    let expected = [rows_of(&first).await, rows_of(&second).await];
    assert_eq!(rows(bytes.clone()), concat_batches(&expected[0].schema(), &expected).unwrap());

    let copy = Source::held("copy", bytes).unwrap();
    assert_eq!(copy.row_groups().len(), 2);
    for (group, source) in copy.row_groups().iter().zip([&first, &second]) {
        for (ours, theirs) in group.columns().iter().zip(source.row_groups()[0].columns()) {
            assert_eq!(ours.statistics(), theirs.statistics());
            assert_eq!(ours.encodings_mask(), theirs.encodings_mask());
            assert_eq!(ours.page_encoding_stats(), theirs.page_encoding_stats());
            assert!(ours.page_encoding_stats().is_some());
            assert_eq!(ours.dictionary_page_offset().is_some(), theirs.dictionary_page_offset().is_some());
            assert!(ours.offset_index_offset().is_some());
        }
    }
}

#[tokio::test]
async fn pages_of_a_copy_are_found_by_its_index() {
    let lake = lake();
    let (first, second) = (segment(0, 3_000, 300), segment(3_000, 6_000, 700));
    let files = write(&lake, &[&first, &second], 1 << 30).await;
    let bytes = lake.read(files[0].file_path()).await.unwrap();
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).unwrap();
    let pages = builder.metadata().offset_index().unwrap()[1][4].page_locations();
    assert!(pages.len() > 1, "a document column of several pages");
    // The last row of all: everything before it is skipped by pages.
    let selection = RowSelection::from(vec![RowSelector::skip(5_999), RowSelector::select(1)]);
    let mut reader = builder.with_row_selection(selection).build().unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), rows(bytes).slice(5_999, 1));
}

#[tokio::test]
async fn the_footer_carries_the_field_ids() {
    let lake = lake();
    let files = write(&lake, &[&segment(0, 3_000, 300)], 1 << 30).await;
    let copy = Source::held("copy", lake.read(files[0].file_path()).await.unwrap()).unwrap();
    let group = copy.row_group(0).await.unwrap();
    let ids = group.metadata.parquet_schema().columns().iter().map(|column| column.self_type().get_basic_info().id());
    assert_eq!(ids.collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let fields =
        group.metadata.schema().fields().iter().map(|field| field.metadata()[PARQUET_FIELD_ID_META_KEY].clone());
    assert_eq!(fields.collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn leftovers_are_encoded_together() {
    let lake = lake();
    let segments: Vec<Source> = (0..20).map(|n| segment(n * 10, n * 10 + 10, 20)).collect();
    let all: Vec<&Source> = segments.iter().collect();
    let files = write(&lake, &all, 1 << 30).await;
    assert_eq!((files.len(), files[0].record_count()), (1, 200));
    let bytes = lake.read(files[0].file_path()).await.unwrap();
    let mut expected = Vec::new();
    for segment in &segments {
        expected.push(rows_of(segment).await);
    }
    assert_eq!(rows(bytes.clone()), concat_batches(&expected[0].schema(), &expected).unwrap());
    let file = Source::held("file", bytes).unwrap();
    assert_eq!(file.row_groups().len(), 1, "one row group");
    assert_eq!(files[0].null_value_counts()[&4], 67);
}

#[tokio::test]
async fn large_and_small_row_groups_share_a_file_and_no_row_is_lost() {
    let lake = lake();
    let segments = [segment(0, 10, 20), segment(10, 3_000, 300), segment(3_000, 3_005, 20)];
    let files = write(&lake, &segments.iter().collect::<Vec<_>>(), 1 << 30).await;
    assert_eq!((files.len(), files[0].record_count()), (1, 3_005));
    let rows = rows(lake.read(files[0].file_path()).await.unwrap());
    let mut ids: Vec<String> =
        arrow::array::AsArray::as_string::<i32>(rows.column(0)).iter().map(|id| id.unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, (0..3_005).map(|n| format!("{n:08}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_that_has_reached_its_target_is_followed_by_the_next() {
    let lake = lake();
    let segments: Vec<Source> = (0..6).map(|n| segment(n * 1_500, n * 1_500 + 1_500, 300)).collect();
    let size = segments[0].row_groups()[0].compressed_size();
    let target = usize::try_from(size * 9 / 5).unwrap();
    let files = write(&lake, &segments.iter().collect::<Vec<_>>(), target).await;
    assert_eq!(files.iter().map(DataFile::record_count).collect::<Vec<_>>(), [3_000, 3_000, 3_000]);
    assert_eq!(files[1].lower_bounds()[&3], Datum::timestamptz_micros(3_000));
}

#[tokio::test]
async fn a_column_that_is_null_throughout_has_no_bounds() {
    let files = write(&lake(), &[&segment(0, 1, 5)], 1 << 20).await;
    assert!(!files[0].lower_bounds().contains_key(&4));
}

#[tokio::test]
async fn a_source_that_is_broken_is_named() {
    let lake = lake();
    let error = Source::held("s3://b/broken.parquet", bytes::Bytes::from_static(b"no parquet here")).err().unwrap();
    assert!(format!("{error:#}").contains("s3://b/broken.parquet"), "{error:#}");
    lake.write("memory:/cut.parquet", bytes::Bytes::from_static(b"PAR1 cut off")).await.unwrap();
    let error = Source::open(&lake, "memory:/cut.parquet", 12, false).await.err().unwrap();
    assert!(format!("{error:#}").contains("memory:/cut.parquet"), "{error:#}");
}

#[tokio::test]
async fn a_source_by_ranges_gives_what_one_in_memory_gives() {
    let lake = lake();
    let files = write(&lake, &[&segment(0, 3_000, 300), &segment(3_000, 6_000, 300)], 1 << 30).await;
    let (path, size) = (files[0].file_path(), files[0].file_size_in_bytes());
    let (held, stored) =
        (Source::open(&lake, path, size, true).await.unwrap(), Source::open(&lake, path, size, false).await.unwrap());
    for index in [0, 1] {
        let (held, stored) = (held.row_group(index).await.unwrap(), stored.row_group(index).await.unwrap());
        assert_eq!((held.part.start, &held.part.bytes), (stored.part.start, &stored.part.bytes));
    }
}
