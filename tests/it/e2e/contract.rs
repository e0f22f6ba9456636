//! Every API of the template against its own description: nothing undocumented is answered, nothing is 500, whatever is
//! sent. The requests are schemathesis'; the seed is fixed, so that a failure comes again.

use std::process::Command;

use super::instance::Instance;

/// What an answer is held to.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,allow_header_conformance";
/// Requests that each operation gets beside those of its own examples and bounds.
const EXAMPLES: &str = "25";

#[test]
fn every_api_keeps_to_its_description() {
    let tools = std::env::var("MILLRACE_TOOLS_BIN").expect("MILLRACE_TOOLS_BIN is not set: run `make test`");
    let instance = Instance::new();
    instance.up();
    let mut faults = Vec::new();
    let apis = instance.apis();
    assert!(!apis.is_empty(), "the template has no API");
    for (name, address) in apis {
        let output = Command::new(format!("{tools}/schemathesis"))
            .args(["run", &format!("{address}/openapi.json"), "--url", &address])
            .args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--max-examples", EXAMPLES])
            .args(["--seed", "1", "--workers", "2", "--request-timeout", "30", "--warnings", "off", "--no-color"])
            .current_dir(instance.dir())
            .output()
            .unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            faults.push(format!("{name} at {address}:\n{said}\n{}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
