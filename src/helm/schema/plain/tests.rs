use super::*;
use proptest::prelude::*;
use serde_json::json;

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "type", "$ref"]).prop_map(str::to_owned)
}

fn plain_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        prop::sample::select(vec![0.0, 1.0, 1.5, -2.0, 1e300]).prop_map(Value::from),
        prop::sample::select(vec!["", "a", "é", "abc", "string"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(name(), inner, 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn keyword(inner: BoxedStrategy<Value>) -> BoxedStrategy<(String, Value)> {
    let named = |keywords: &[&'static str], argument: BoxedStrategy<Value>| {
        (prop::sample::select(keywords.to_vec()), argument)
            .prop_map(|(keyword, argument)| (keyword.to_owned(), argument))
    };
    let types = prop::sample::select(vec![
        "array", "boolean", "integer", "null", "number", "object", "string", "text",
    ]);
    let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from);
    let below = prop::collection::hash_map(name(), inner.clone(), 0..3)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()));
    let patterns = prop::collection::hash_map(
        prop::sample::select(vec![".*", "^a", "[", "b$"]).prop_map(str::to_owned),
        inner.clone(),
        0..2,
    );
    let patterns = patterns.prop_map(|entries| Value::Object(entries.into_iter().collect()));
    let required = prop::collection::vec(name(), 0..3).prop_map(Value::from);
    let references = prop::sample::select(vec![
        "#",
        "#/$defs/a",
        "#/definitions/a",
        "#/$defs/no",
        "#/properties/a",
    ]);
    prop_oneof![
        4 => named(&["type"], types.clone().prop_map(Value::from).boxed()),
        1 => named(&["type"], prop::collection::vec(types, 0..3).prop_map(Value::from).boxed()),
        4 => named(&["properties", "$defs", "definitions"], below.boxed()),
        1 => named(&["patternProperties"], patterns.boxed()),
        3 => named(&["additionalProperties", "items", "not", "propertyNames", "contains"], inner.boxed()),
        2 => named(&["allOf", "anyOf", "oneOf"], list.boxed()),
        2 => named(&["required"], required.boxed()),
        2 => named(&["enum"], prop::collection::vec(plain_value(), 0..3).prop_map(Value::from).boxed()),
        1 => named(&["const", "default", "pro"], plain_value().boxed()),
        2 => named(
            &["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum"],
            prop::sample::select(vec![json!(0), json!(1), json!(2), json!(-1), json!(1.5), json!("1")]).boxed(),
        ),
        1 => named(&["pattern"], prop::sample::select(vec![json!("^a"), json!("["), json!(1)]).boxed()),
        1 => named(&["description", "deprecated", "examples"], plain_value().boxed()),
        2 => named(&["$ref"], references.prop_map(Value::from).boxed()),
    ]
    .boxed()
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        Just(json!({})),
        Just(json!({"type": "string"})),
        Just(json!({"type": ["integer", "null"]})),
    ];
    let inner = leaf.prop_recursive(4, 24, 4, |inner| {
        prop::collection::vec(keyword(inner.boxed()), 0..4)
            .prop_map(|keywords| Value::Object(keywords.into_iter().collect()))
    });
    let draft = prop::sample::select(vec![
        None,
        Some("https://json-schema.org/draft/2020-12/schema"),
        Some("https://json-schema.org/draft/2019-09/schema"),
        Some("http://json-schema.org/draft-07/schema#"),
        Some("http://json-schema.org/draft-04/schema#"),
    ]);
    (inner, draft).prop_map(|(mut schema, draft)| {
        if let (Some(keywords), Some(draft)) = (schema.as_object_mut(), draft) {
            keywords.insert("$schema".to_owned(), draft.into());
        }
        schema
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]
    #[test]
    fn what_is_said_is_what_the_library_says(schema in schema(), value in plain_value()) {
        let verdict = verdict(&schema, &value);
        if let (Some(verdict), false) = (verdict.is_good, verdict.met_circle) {
            let validator = jsonschema::validator_for(&schema);
            prop_assert_eq!(Ok(verdict), validator.map(|it| it.is_valid(&value)).map_err(|e| e.to_string()));
        }
    }
}

#[test]
fn the_usual_keywords_are_decided() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/values",
        "$defs": {"Auto": {"properties": {"enabled": {"oneOf": [{"type": "string"}, {"type": "boolean"}]}},
            "additionalProperties": false, "type": "object"}},
        "properties": {
            "claim": {"$ref": "#/$defs/Auto"},
            "name": {"type": "string", "pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "count": {"type": "integer", "minimum": 1, "maximum": 5},
            "mode": {"enum": ["a", "b"], "type": "string"},
            "list": {"items": {"required": ["x"]}, "type": "array", "minItems": 1},
            "plugins": {"anyOf": [{"type": "string"}, {"type": "object", "patternProperties": {".*": {"type": "object"}}}]},
        },
    });
    let good = json!({"claim": {"enabled": "auto"}, "labels": {"a": "b"}, "count": 5, "mode": "b",
        "list": [{"x": null}], "plugins": {"a": {}}});
    assert_eq!(verdict(&schema, &good).is_good, Some(true));
    for bad in [
        json!({"claim": {"enabled": 1}}),
        json!({"claim": {"other": true}}),
        json!({"labels": {"a": 1}}),
        json!({"count": 6}),
        json!({"count": 1.5}),
        json!({"mode": "c"}),
        json!({"list": []}),
        json!({"list": [{"y": 1}]}),
        json!({"plugins": 1}),
    ] {
        assert_eq!(verdict(&schema, &bad).is_good, Some(false), "{bad}");
    }
    assert_eq!(verdict(&schema, &json!({"name": "a"})).is_good, None);
}

/// What Helm says of these, tried with its programs.
#[test]
fn nothing_is_good_where_references_lead_in_a_circle() {
    let cases = [
        (json!({"$ref": "#"}), false),
        (json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}), false),
        (json!({"anyOf": [{"$ref": "#"}, {"type": "object"}]}), true),
        (json!({"oneOf": [{"$ref": "#"}, true]}), true),
        (json!({"properties": {"a": {"$ref": "#"}}}), true),
        (
            json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}),
            false,
        ),
        (
            json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}]},
                "b": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}),
            false,
        ),
    ];
    for (schema, is_good) in cases {
        let verdict = verdict(&schema, &json!({"a": {"a": {}}}));
        assert_eq!(verdict.is_good, Some(is_good), "{schema}");
    }
}
