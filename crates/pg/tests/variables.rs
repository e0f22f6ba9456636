//! A pool from `DB_HOST` and its like, on the server that `DATABASE_URL` names, which knows no TLS.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use kit::{Env, Secret, connections};
use pg::Config;

fn config(pairs: &[(&str, &str)]) -> Config {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| {
        panic!("DATABASE_URL is not set: run `make test`, or eval \"$(millrace env)\" of a running stack")
    });
    let place = Config::new(Secret::new(&url)).place().unwrap();
    let user = url.split_once("://").unwrap().1.split(['@', ':']).next().unwrap();
    let port = place.port.to_string();
    let server = [("DB_HOST", &*place.host), ("DB_PORT", &port), ("DB_NAME", &place.database), ("DB_USER", user)];
    let mut env = Env::from_pairs(server.into_iter().chain(pairs.iter().copied()));
    let url = connections::database_url(&mut env).unwrap();
    env.finish().unwrap();
    Config::new(url)
}

#[tokio::test]
async fn the_modes_that_need_no_tls_connect() {
    for mode in [None, Some("disable"), Some("allow"), Some("prefer")] {
        let pairs: Vec<_> = mode.iter().map(|mode| ("DB_SSLMODE", *mode)).chain([("DB_PASSWORD", "a b/@:%")]).collect();
        let pool = pg::connect(&config(&pairs)).await.unwrap();
        assert_eq!(sqlx::query_scalar::<_, i32>("select 1").fetch_one(&pool).await.unwrap(), 1, "{mode:?}");
        pool.close().await;
    }
}

#[tokio::test]
async fn a_mode_that_needs_tls_is_refused_and_says_why() {
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = pg::connect(&config(&[("DB_SSLMODE", mode), ("DB_PASSWORD", "hidden")])).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("connect to postgres at ") && error.contains("does not support TLS"), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
