//! What nodes of YAML mean, by the rules of Go's library: merges, keys, tags, aliases.

use serde_json::{Map, Value};

use super::super::print;
use super::super::value::stray;
use super::read::{Composer, MAX_DEPTH, Node, NodeKind, YamlError};
use super::scalar::{self, Scalar};

/// Below so many nodes aliases may make up nearly everything, as in Go's library.
const FREE_NODES: f64 = 400_000.0;

impl Composer<'_> {
    pub(super) fn value(&mut self, node: &Node) -> Result<Value, YamlError> {
        self.nodes += 1.0;
        if self.alias_depth > 0 {
            self.nodes_by_alias += 1.0;
        }
        if self.nodes_by_alias > 100.0
            && self.nodes > 1000.0
            && self.nodes_by_alias / self.nodes > allowed_alias_share(self.nodes)
        {
            return Err(self.error_at(node, "the document repeats itself too often by aliases"));
        }
        match &node.kind {
            NodeKind::Alias(target) => {
                self.alias_depth += 1;
                if self.alias_depth > MAX_DEPTH {
                    return Err(self.error_at(node, "aliases nest too deep"));
                }
                let value = self.value(target);
                self.alias_depth -= 1;
                value
            }
            NodeKind::Anchored(node) => self.value(node),
            NodeKind::Scalar {
                text,
                tag,
                is_plain,
            } => self.scalar(node, text, tag.as_deref(), *is_plain),
            NodeKind::List(items) => items.iter().map(|item| self.value(item)).collect(),
            NodeKind::Map(entries) => {
                let mut map = Map::new();
                self.fill(&mut map, entries)?;
                Ok(Value::Object(map))
            }
        }
    }

    /// Fills a map in document order: a merge overrides what came before it, as in Go's library.
    fn fill(
        &mut self,
        map: &mut Map<String, Value>,
        entries: &[(Node, Node)],
    ) -> Result<(), YamlError> {
        for (key, item) in entries {
            if key.is_merge_key() {
                self.merge(map, item)?;
            } else {
                let key = self.key(key, item)?;
                let item = self.value(item)?;
                map.insert(key, item);
            }
        }
        Ok(())
    }

    fn merge(&mut self, map: &mut Map<String, Value>, source: &Node) -> Result<(), YamlError> {
        // Expanding the merged value through `value` counts it against the alias limit.
        let by_alias = matches!(source.kind, NodeKind::Alias(_));
        match &source.resolve().kind {
            NodeKind::Map(_) => {
                if let Value::Object(entries) = self.value(source)? {
                    map.extend(entries);
                }
                Ok(())
            }
            NodeKind::List(items) if !by_alias => {
                for item in items.iter().rev() {
                    match &item.resolve().kind {
                        NodeKind::Map(_) => self.merge(map, item)?,
                        _ => return Err(self.no_merge(item)),
                    }
                }
                Ok(())
            }
            _ => Err(self.no_merge(source)),
        }
    }

    fn no_merge(&self, node: &Node) -> YamlError {
        YamlError {
            in_go: "yaml: map merge requires map or sequence of maps as the value".to_owned(),
            ..self.error_at(node, "only maps can be merged with `<<`")
        }
    }

    fn scalar(
        &mut self,
        node: &Node,
        text: &str,
        tag: Option<&str>,
        is_plain: bool,
    ) -> Result<Value, YamlError> {
        let short = tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag));
        let resolved = match short {
            None if !is_plain => Scalar::Text,
            None => scalar::resolve(text),
            Some("binary") => return self.binary(node, text),
            Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
                let resolved = scalar::resolve(text);
                match (wanted, resolved) {
                    ("bool", resolved @ Scalar::Bool(_))
                    | ("int", resolved @ (Scalar::Int(_) | Scalar::Uint(_)))
                    | ("float", resolved @ Scalar::Float(_))
                    | ("null", resolved @ Scalar::Null)
                    | ("timestamp", resolved @ Scalar::Timestamp) => resolved,
                    #[expect(clippy::cast_precision_loss, reason = "the tag asks for a float")]
                    ("float", Scalar::Int(number)) => Scalar::Float(number as f64),
                    (_, resolved) => {
                        let found = resolved.tag();
                        let problem = format!("the value is no `!!{wanted}`");
                        return Err(YamlError {
                            in_go: format!("yaml: cannot decode {found} `{text}` as a !!{wanted}"),
                            ..self.error_at(node, problem)
                        });
                    }
                }
            }
            Some(_) => Scalar::Text,
        };
        let number = resolved.as_float();
        resolved
            .into_value(text, self.numbers)
            .ok_or_else(|| YamlError {
                in_go: format!(
                    "json: unsupported value: {}",
                    print::float_g(number.unwrap_or_default())
                ),
                ..self.error_at(node, "infinite numbers and `.nan` are not supported")
            })
    }

    fn binary(&self, node: &Node, text: &str) -> Result<Value, YamlError> {
        let compact: String = text.split_ascii_whitespace().collect();
        match super::super::decode_base64(compact.as_bytes()) {
            Ok(bytes) => Ok(stray::outside(&stray::text_of(&bytes)).into()),
            Err(_) => Err(YamlError {
                in_go: "yaml: !!binary value contains invalid base64 data".to_owned(),
                ..self.error_at(node, "the `!!binary` value is no base64")
            }),
        }
    }
}

fn allowed_alias_share(nodes: f64) -> f64 {
    if nodes <= FREE_NODES {
        0.99
    } else if nodes >= FREE_NODES * 10.0 {
        0.10
    } else {
        0.99 - 0.89 * ((nodes - FREE_NODES) / (FREE_NODES * 9.0))
    }
}
