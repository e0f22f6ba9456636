//! Globals, conditions and intrinsic functions.

use super::{function, read, variable};

pub(crate) async fn maps_merge_lists_append_and_anything_else_is_replaced() {
    let globals = "Globals:\n  Function: {Timeout: 10, MemorySize: 512, Environment: {Variables: {A: global, B: global}}}\n  HttpApi: {CorsConfiguration: {AllowOrigins: [http://a]}}";
    let api = "  Api: {Type: AWS::Serverless::HttpApi, Properties: {CorsConfiguration: {AllowOrigins: [http://b]}}}\n";
    let text = function(globals, "Timeout: 20, Environment: {Variables: {B: own, C: own}}") + api;
    let app = read(&text);
    let f = &app.functions["F"];
    assert_eq!((f.timeout.as_secs(), f.memory_mb), (20, 512));
    let variables: Vec<String> = f.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(variables, ["A=global", "B=own", "C=own"]);
    assert_eq!(app.apis["Api"].cors.as_ref().unwrap().allow_origins, ["http://a", "http://b"]);
}

pub(crate) async fn what_a_false_condition_names_is_not_there() {
    let conditions = "Conditions: {Yes: !Equals [a, a], No: !Not [!Condition Yes], Both: !And [!Condition Yes, !Condition No], One: !Or [!Condition Yes, !Condition No]}";
    let resource = |id: &str, condition: &str| {
        format!(
            "  {id}:\n    Type: AWS::Serverless::Function\n    Condition: {condition}\n    Properties: {{Runtime: provided.al2023, CodeUri: {id}/}}\n"
        )
    };
    let text =
        function(conditions, "") + &resource("Gone", "No") + &resource("There", "One") + &resource("GoneToo", "Both");
    let app = read(&text);
    let names: Vec<&str> = app.functions.keys().map(String::as_str).collect();
    assert_eq!(names, ["F", "There"]);
}

pub(crate) async fn no_value_takes_a_property_an_entry_or_an_item_away() {
    let conditions = "Conditions: {No: !Equals [a, b]}";
    assert_eq!(variable(conditions, "!If [No, x, !Ref AWS::NoValue]"), None);
    assert_eq!(variable(conditions, "!Join ['-', [a, !If [No, b, !Ref AWS::NoValue], c]]").unwrap(), "a-c");
    let text = function(conditions, "Timeout: !If [No, 60, !Ref AWS::NoValue]");
    assert_eq!(read(&text).functions["F"].timeout.as_secs(), 3, "the default");
}

pub(crate) async fn sub_takes_its_own_variables_first_and_keeps_literals() {
    let parameters = "Parameters: {Name: {Type: String, Default: outer}}";
    let value = |text: &str| variable(parameters, text).unwrap();
    assert_eq!(value("!Sub '${Name}/${AWS::Region}'"), "outer/us-east-1");
    assert_eq!(value("!Sub ['${Name}', {Name: inner}]"), "inner");
    assert_eq!(value("!Sub ['${X}', {X: !Sub '<${Name}>'}]"), "<outer>");
    assert_eq!(value("!Sub 'kept ${!Name}'"), "kept ${Name}");
    assert_eq!(value("!Sub '${F}'"), "f", "a resource by its name");
}

pub(crate) async fn lists_are_joined_split_and_selected_from() {
    let parameters = "Parameters: {Hosts: {Type: CommaDelimitedList, Default: 'a, b,c'}}";
    let value = |text: &str| variable(parameters, text).unwrap();
    assert_eq!(value("!Join ['+', !Ref Hosts]"), "a+b+c");
    assert_eq!(value("!Select [1, !Ref Hosts]"), "b");
    assert_eq!(value("!Select [2, !Split ['/', 'x/y/z']]"), "z");
    assert_eq!(value("!Base64 text"), "dGV4dA==");
}

pub(crate) async fn a_map_is_looked_up_by_computed_keys() {
    let sections = "Parameters: {Stage: {Type: String, Default: dev}}\nMappings: {Sizes: {dev: {name: small}, prod: {name: large}}}";
    assert_eq!(variable(sections, "!FindInMap [Sizes, !Ref Stage, name]").unwrap(), "small");
}
