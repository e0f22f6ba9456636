//! `scale`.

use clap::Args;

use super::{
    console,
    control::{call, url},
};
use crate::instance::Instance;

/// What `scale` takes.
#[derive(Debug, Args)]
pub(super) struct ScaleArguments {
    /// Its name, as `millrace status` shows it
    function: String,
    /// How many of its invocations may run at once; more are throttled. `default` reserves nothing
    #[arg(value_name = "N|default", value_parser = parse_places)]
    places: Places,
}

/// A number, or none.
#[derive(Debug, Clone, Copy)]
struct Places(Option<u32>);

fn parse_places(text: &str) -> Result<Places, String> {
    match text {
        "default" => Ok(Places(None)),
        number => number
            .parse()
            .map(|number| Places(Some(number)))
            .map_err(|_| format!("{text:?} is neither a number nor `default`")),
    }
}

/// Sets or takes away the reserved concurrency of a function.
pub(super) async fn run(instance: &Instance, arguments: &ScaleArguments) -> anyhow::Result<()> {
    let running = instance.require_running()?;
    let name = percent_encoding::utf8_percent_encode(&arguments.function, percent_encoding::NON_ALPHANUMERIC);
    let url = url(&running, &format!("/2017-10-31/functions/{name}/concurrency"));
    let client = reqwest::Client::new();
    let request = match arguments.places.0 {
        Some(places) => client.put(url).json(&serde_json::json!({"ReservedConcurrentExecutions": places})),
        None => client.delete(url),
    };
    call(request).await?;
    console::line(match arguments.places.0 {
        Some(places) => format!("{}: {places} reserved", arguments.function),
        None => format!("{}: nothing reserved", arguments.function),
    })?;
    Ok(())
}
