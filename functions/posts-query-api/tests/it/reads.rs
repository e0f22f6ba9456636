//! What is there is read once, in order, with exact counters; what is not usable is refused by name.

use chrono::{DateTime, Utc};
use domain::posts::Id;
use serde_json::json;

use crate::support::{World, get, ids};

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_795_000_000_000_000 + micros).unwrap()
}

#[tokio::test]
async fn a_walk_over_pages_meets_each_post_once_newest_first() {
    let world = World::new().await;
    let all = world.fill(100, 7).await;
    for limit in [1, 7, 99, 100] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("/api/posts?limit={limit}{cursor}")).await;
            assert_eq!((&page["partial"], &page["missing"]), (&json!(false), &json!([])));
            let posts = ids(&page["posts"]);
            assert!(posts.len() <= limit);
            walked.extend(posts);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let expected: Vec<String> = all.iter().map(|(_, id, _)| id.to_string()).collect();
        assert_eq!(walked, expected, "limit {limit}");
    }
    let of_user = world.get("/api/users/u3/posts?limit=100").await;
    let expected = all.iter().filter(|(_, _, user)| user == "u3").map(|(_, id, _)| id.to_string());
    assert_eq!((ids(&of_user["posts"]), &of_user["next_cursor"]), (expected.collect(), &json!(null)));
    assert_eq!(world.get("/api/users/nobody/posts").await["posts"], json!([]));
    world.drop().await;
}

#[tokio::test]
async fn a_post_has_its_comments_and_likes_and_counters_are_exact() {
    let world = World::new().await;
    let id = Id::v8(&[b"p"]);
    world.post(id, "john", "Hello World!", at(5)).await;
    let before = world.get(&format!("/api/posts/{id}")).await;
    assert_eq!((&before["comments"], &before["likes"], &before["likes_count"]), (&json!([]), &json!([]), &json!(0)));
    for n in 0..120 {
        world.comment(id, "jane", &format!("comment {n}"), at(10 + n)).await;
    }
    for user in ["bob", "ann", "bob"] {
        world.like(id, user, at(200)).await;
    }
    let post = world.get(&format!("/api/posts/{id}")).await;
    assert_eq!((&post["content"], &post["user_id"]), (&json!("Hello World!"), &json!("john")));
    assert_eq!(post["created_at"], json!(at(5)));
    assert_eq!((&post["comments_count"], &post["likes_count"]), (&json!(120), &json!(2)));
    let likes: Vec<_> = post["likes"].as_array().unwrap().iter().map(|like| &like["user_id"]).collect();
    assert_eq!(likes, ["ann", "bob"]);
    let comments = post["comments"].as_array().unwrap();
    assert_eq!((comments.len(), &comments[0]["content"]), (100, &json!("comment 0")));
    let first = world.get(&format!("/api/posts/{id}/comments?limit=70")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("/api/posts/{id}/comments?limit=70&cursor={cursor}")).await;
    assert_eq!(second["comments"].as_array().unwrap().len(), 50);
    assert_eq!((&second["comments"][49]["content"], &second["next_cursor"]), (&json!("comment 119"), &json!(null)));
    let listed = world.get("/api/posts?limit=10").await;
    assert_eq!((&listed["posts"][0]["comments_count"], &listed["posts"][0]["likes_count"]), (&json!(120), &json!(2)));
    world.drop().await;
}

#[tokio::test]
async fn figures_of_a_user_are_those_of_all_shards() {
    let world = World::new().await;
    let all = world.fill(40, 2).await;
    for (_, id, _) in all.iter().take(10) {
        world.comment(*id, "u1", "hm", at(1)).await;
        world.like(*id, "u1", at(1)).await;
    }
    let received = all.iter().take(10).filter(|(_, _, user)| user == "u0").count();
    let stats = world.get("/api/users/u0/stats").await;
    assert_eq!((&stats["posts"], &stats["comments"], &stats["likes"]), (&json!(20), &json!(0), &json!(0)));
    assert_eq!((&stats["likes_received"], &stats["comments_received"]), (&json!(received), &json!(received)));
    let times: Vec<DateTime<Utc>> = all.iter().filter(|(_, _, user)| user == "u0").map(|(at, _, _)| *at).collect();
    assert_eq!((&stats["first_post_at"], &stats["last_post_at"]), (&json!(times.last()), &json!(times.first())));
    let stats = world.get("/api/users/u1/stats").await;
    assert_eq!((&stats["comments"], &stats["likes"], &stats["partial"]), (&json!(10), &json!(10), &json!(false)));
    let nobody = world.get("/api/users/nobody/stats").await;
    assert_eq!((&nobody["posts"], &nobody["first_post_at"]), (&json!(0), &json!(null)));
    world.drop().await;
}

#[tokio::test]
async fn a_fault_names_its_parameter() {
    let world = World::new().await;
    world.fill(3, 1).await;
    let cursor = world.get("/api/posts?limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    let id = Id::v8(&[b"no such post"]);
    for (path, parameter) in [
        ("/api/posts?limit=0".to_owned(), "limit"),
        ("/api/posts?limit=many".to_owned(), "limit"),
        ("/api/posts?cursor=".to_owned(), "cursor"),
        ("/api/posts?cursor=AAAA".to_owned(), "cursor"),
        (format!("/api/posts?cursor={cursor}x"), "cursor"),
        (format!("/api/users/u0/posts?cursor={cursor}"), "cursor"),
        (format!("/api/posts/{id}/comments?cursor={cursor}"), "cursor"),
        ("/api/posts?partial=no".to_owned(), "partial"),
        ("/api/posts?offset=3".to_owned(), "offset"),
        ("/api/posts/post-id".to_owned(), "id"),
        ("/api/posts/post-id/comments".to_owned(), "id"),
        ("/api/posts/%FF".to_owned(), "id"),
        ("/api/users/%20/posts".to_owned(), "id"),
        (format!("/api/users/{}/stats", "u".repeat(256)), "id"),
        ("/health?verbose=1".to_owned(), "verbose"),
    ] {
        let answer = get(&world.api, &path, &[]).await;
        assert_eq!((answer.status, &answer.body["parameter"]), (400, &json!(parameter)), "{path}: {}", answer.body);
    }
    let answer = get(&world.api, "/api/posts", &[("x-consistency-token", "posts-writes-1")]).await;
    assert_eq!((answer.status, &answer.body["parameter"]), (400, &json!("X-Consistency-Token")));
    for path in [format!("/api/posts/{id}"), format!("/api/posts/{id}/comments"), "/api/nothing".to_owned()] {
        assert_eq!(get(&world.api, &path, &[]).await.status, 404, "{path}");
    }
    world.drop().await;
}

#[tokio::test]
async fn the_description_has_every_path_and_health_every_shard() {
    let world = World::new().await;
    let api = world.get("/openapi.json").await;
    let paths = api["paths"].as_object().unwrap();
    for path in ["posts", "posts/{id}", "posts/{id}/comments", "users/{id}/posts", "users/{id}/stats"] {
        assert!(paths.contains_key(&format!("/api/{path}")), "{path} is not in {paths:?}");
    }
    let health = world.get("/health").await;
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["shards"][2], json!({"shard": "shard-3", "reachable": true, "reason": null}));
    world.drop().await;
}
