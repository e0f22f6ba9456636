//! How a template is read.

use super::Rule;

/// Checked by `tests/it/template/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "template.defaults.a-function-has-3-seconds-128-mb-and-no-reservation",
        text: "A function without Timeout and MemorySize has 3 seconds and 128 MB",
        source: "lambda/latest/dg/configuration-timeout.html",
    },
    Rule {
        id: "template.defaults.a-kafka-mapping-has-100-records-500-ms-and-endless-retries",
        text: "A Kafka mapping without settings has batches of 100 records or 500 ms, and tries without end",
        source: "lambda/latest/dg/kafka-esm-parameters.html",
    },
    Rule {
        id: "template.defaults.endless-retries-are-10-with-a-destination",
        text: "Infinite retries are 10 beside an on-failure destination",
        source: "lambda/latest/dg/kafka-retry-configurations.html",
    },
    Rule {
        id: "template.defaults.an-event-and-a-mapping-resource-mean-the-same",
        text: "SAM's event of a function and an AWS::Lambda::EventSourceMapping are the same trigger",
        source: "serverless-application-model/latest/developerguide/sam-property-function-selfmanagedkafka.html",
    },
    Rule {
        id: "template.defaults.a-name-comes-from-the-logical-id",
        text: "A function without FunctionName is called by its logical id in kebab-case; AWS adds the stack and letters",
        source: "",
    },
    Rule {
        id: "template.globals.maps-merge-lists-append-and-anything-else-is-replaced",
        text: "Globals merge into a resource: maps merge, lists append, anything else of the resource's own wins",
        source: "serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html",
    },
    Rule {
        id: "template.conditions.what-a-false-condition-names-is-not-there",
        text: "A resource whose condition is false is not there; conditions are Equals, Not, And, Or of others",
        source: "AWSCloudFormation/latest/UserGuide/conditions-section-structure.html",
    },
    Rule {
        id: "template.conditions.no-value-takes-a-property-an-entry-or-an-item-away",
        text: "AWS::NoValue takes away the property, the entry of a map or the item of a list that it stands for",
        source: "AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html",
    },
    Rule {
        id: "template.functions.sub-takes-its-own-variables-first-and-keeps-literals",
        text: "Fn::Sub takes its own variables, then parameters and resources; `${!Name}` stays as `${Name}`",
        source: "AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html",
    },
    Rule {
        id: "template.functions.lists-are-joined-split-and-selected-from",
        text: "Fn::Join, Fn::Split, Fn::Select and Fn::Base64 take lists and texts from one another and from parameters",
        source: "AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html",
    },
    Rule {
        id: "template.functions.a-map-is-looked-up-by-computed-keys",
        text: "Fn::FindInMap takes its keys from parameters and pseudo parameters",
        source: "AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap.html",
    },
    Rule {
        id: "template.parameters.a-given-value-stands-over-the-default",
        text: "A given value stands over a parameter's Default; one for a parameter that is not declared is an error",
        source: "AWSCloudFormation/latest/UserGuide/parameters-section-structure.html",
    },
    Rule {
        id: "template.parameters.a-value-must-fit-its-type-pattern-and-limits",
        text: "A parameter's value must fit its type, AllowedValues, AllowedPattern as a whole, and limits; in a list \
               each value does",
        source: "AWSCloudFormation/latest/UserGuide/parameters-section-structure.html",
    },
    Rule {
        id: "template.parameters.a-secret-is-not-shown-in-an-error",
        text: "The value of a parameter with NoEcho is in no error",
        source: "AWSCloudFormation/latest/UserGuide/parameters-section-structure.html",
    },
    Rule {
        id: "template.rules.an-assertion-that-is-false-stops-with-its-description",
        text: "An assertion of Rules that is false refuses the template, with its AssertDescription and place",
        source: "AWSCloudFormation/latest/UserGuide/rules-section-structure.html",
    },
    Rule {
        id: "template.rules.a-rule-holds-only-where-its-condition-does",
        text: "The assertions of a rule count only where its RuleCondition is true",
        source: "AWSCloudFormation/latest/UserGuide/rules-section-structure.html",
    },
    Rule {
        id: "template.refusals.what-is-not-supported-is-refused-with-its-place",
        text: "What a template asks for and cannot have here is refused with line and column, never ignored",
        source: "",
    },
    Rule {
        id: "template.refusals.loops-and-other-extensions-are-refused",
        text: "What needs AWS::LanguageExtensions (Fn::ForEach, Fn::Length, Fn::ToJsonString, DefaultValue) is refused",
        source: "",
    },
    Rule {
        id: "template.refusals.a-template-that-multiplies-itself-is-refused",
        text: "A small template cannot make a large one of itself, by aliases or by references",
        source: "",
    },
    Rule {
        id: "template.lint.a-trap-is-named-with-its-place-and-not-where-it-is-allowed",
        text: "A setting that loses data is named with its place, unless the resource allows the rule",
        source: "",
    },
];
