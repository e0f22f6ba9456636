//! The table in a real REST catalog: the same steps, crashes and races as in our own. What is checked there is only what
//! a commit requires by name, so the fence has to hold with that.

use std::process::Command;

use lake::testing::{LIMITS, SCHEMA, World, in_world_with};
use lake::{Authorization, CatalogConfig, CatalogKind, Commit, Committer, RestConfig, crash};
use uuid::Uuid;

use crate::concurrent::everything_at_once;
use crate::rest_proxy::{Fault, Proxy};

fn uri() -> String {
    std::env::var("ICEBERG_REST_URI").expect(
        "ICEBERG_REST_URI is not set: run `make test`, or `bash localstack/iceberg-rest.sh run` beside a running stack",
    )
}

fn rest(uri: &str, authorization: Authorization) -> CatalogConfig {
    CatalogConfig::Rest(RestConfig { uri: uri.to_owned(), authorization, ..RestConfig::default() })
}

/// Runs a test with a table in a namespace of its own; the server is shared.
fn in_rest_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    let namespace = format!("test_{}", Uuid::new_v4().simple());
    in_world_with(&namespace, "rows", &SCHEMA, |_| rest(&uri(), Authorization::None), test);
}

/// The world's committer by way of a proxy.
async fn by_way_of(world: &World, proxy: &Proxy) -> Committer {
    Committer::open(world.lake.clone(), &rest(&proxy.uri, Authorization::None)).await.unwrap()
}

/// Ids of the table as PyIceberg finds them through the catalog, sorted.
const PYICEBERG: &str = r#"
import json, os, sys
from pyiceberg.catalog import load_catalog
catalog = load_catalog("rest", **{
    "type": "rest", "uri": os.environ["ICEBERG_REST_URI"], "s3.endpoint": os.environ["AWS_ENDPOINT_URL"],
    "s3.region": os.environ["AWS_REGION"], "s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
    "s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"]})
rows = catalog.load_table(sys.argv[1]).scan(selected_fields=("id",)).to_arrow()
print(json.dumps(sorted(rows["id"].to_pylist())))
"#;

#[test]
fn a_commit_moves_staged_rows_into_the_table_and_pyiceberg_finds_them_there() {
    in_rest_world(|world| async move {
        world.stage(0..10).await;
        let committer = world.committer().await;
        assert_eq!(committer.catalog_kind(), CatalogKind::Rest);
        assert!(!committer.catalog_kind().is_ours());
        assert_eq!(world.commit(&committer).await, 10);
        world.stage(10..20).await;
        assert_eq!(world.commit(&committer).await, 10);
        world.stage(20..25).await;
        world.assert_offsets(0..25).await;
        let ids = world.committed_ids().await;
        assert_eq!(ids.len(), 20);

        let python =
            std::env::var("MILLRACE_READERS_PYTHON").expect("MILLRACE_READERS_PYTHON is not set: run `make test`");
        let output = Command::new(python).args(["-c", PYICEBERG, world.lake.name()]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found, ids);
    });
}

#[test]
fn a_committer_that_dies_between_its_steps_is_caught_up() {
    in_rest_world(|world| async move {
        let mut end = 0;
        for point in ["commit.files-written", "commit.committed", "commit.marked"] {
            world.stage(end..end + 10).await;
            end += 10;
            let committer = world.committer().await;
            assert!(crash::at(point, world.commit(&committer)).await.is_none(), "{point} was not reached");
            world.assert_offsets(0..end).await;
        }
        world.commit(&world.committer().await).await;
        world.assert_offsets(0..end).await;
        assert_eq!(world.committed_ids().await.len() as i64, end);
    });
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_done() {
    in_rest_world(|world| async move {
        let proxy = Proxy::start(&uri(), None).await;
        let committer = by_way_of(&world, &proxy).await;
        world.stage(0..10).await;
        let planned = committer.plan(&LIMITS).await.unwrap();
        let written = committer.write(planned, 1 << 20).await.unwrap();
        proxy.next(Fault::LoseAnswer);
        let error = format!("{:#}", committer.commit(written).await.unwrap_err());
        assert!(error.contains("commit to the table"), "{error}");
        let planned = committer.plan(&LIMITS).await.unwrap();
        assert_eq!((planned.plan.done.len(), planned.plan.take.len()), (1, 0));
        assert_eq!(world.commit(&committer).await, 0);
        world.assert_offsets(0..10).await;
        assert_eq!(world.committed_ids().await.len(), 10);
    });
}

#[test]
fn a_commit_that_is_overtaken_between_fence_and_update_is_refused() {
    in_rest_world(|world| async move {
        let proxy = Proxy::start(&uri(), None).await;
        let (slow, fast) = (by_way_of(&world, &proxy).await, world.committer().await);
        world.stage(0..10).await;
        let planned = slow.plan(&LIMITS).await.unwrap();
        let written = slow.write(planned, 1 << 20).await.unwrap();
        proxy.next(Fault::Hold);
        let (lost, ()) = tokio::join!(slow.commit(written), async {
            // It has passed the fence and stands before the catalog.
            proxy.held().await;
            assert_eq!(world.commit(&fast).await, 10);
            proxy.release();
        });
        assert!(matches!(lost.unwrap(), Commit::Lost));
        world.assert_offsets(0..10).await;
        assert_eq!(world.committed_ids().await.len(), 10);
    });
}

#[test]
fn writers_committers_and_a_reader_at_once_see_each_record_once() {
    in_rest_world(|world| everything_at_once(world, 600));
}

#[test]
fn two_that_create_the_table_at_once_get_the_same_one() {
    in_rest_world(|world| async move {
        world.stage(0..3).await;
        let (first, second) = tokio::join!(world.committer(), world.committer());
        assert_eq!(world.commit(&first).await, 3);
        assert_eq!(world.commit(&second).await, 0);
        world.assert_offsets(0..3).await;
    });
}

#[test]
fn a_token_goes_with_every_call_and_is_in_no_error() {
    in_rest_world(|world| async move {
        let proxy = Proxy::start(&uri(), Some("hush-right")).await;
        let open = async |token: &str| {
            let config = rest(&proxy.uri, Authorization::Token(token.to_owned()));
            Committer::open(world.lake.clone(), &config).await
        };
        let error = format!("{:?}", open("hush-wrong").await.err().unwrap());
        assert!(error.contains("not today") && !error.contains("hush"), "{error}");
        world.stage(0..3).await;
        assert_eq!(world.commit(&open("hush-right").await.unwrap()).await, 3);
        let all = proxy.authorizations();
        assert!(all.iter().all(|one| one.starts_with("Bearer hush-")), "{all:?}");
    });
}

#[test]
fn a_credential_is_exchanged_for_a_token_that_is_in_no_error() {
    in_rest_world(|world| async move {
        let proxy = Proxy::start(&uri(), None).await;
        let credential = Authorization::Credential("millrace:hush".to_owned());
        let committer = Committer::open(world.lake.clone(), &rest(&proxy.uri, credential)).await.unwrap();
        world.stage(0..3).await;
        assert_eq!(world.commit(&committer).await, 3);
        let all = proxy.authorizations();
        assert!(all.iter().any(|one| one.starts_with("Bearer client-credentials-token:sub=millrace")), "{all:?}");
        assert!(!all.iter().any(|one| one.contains("hush")), "{all:?}");

        proxy.next(Fault::OddToken);
        let credential = Authorization::Credential("millrace:hush".to_owned());
        let error = Committer::open(world.lake.clone(), &rest(&proxy.uri, credential)).await.err().unwrap();
        let shown = format!("{error:#} {error:?}");
        assert!(shown.contains("log in to the catalog at http://") && !shown.contains("hush"), "{shown}");
    });
}
