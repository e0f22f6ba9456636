//! The whole, as a user runs it: from the GitHub simulator through Kafka into Iceberg to a query.

mod aws;
mod browser;
mod contract;
mod control;
mod flow;
mod http;
mod instance;
mod kills;
mod posts;
mod view;
