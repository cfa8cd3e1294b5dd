//! The chart inside a record: what it was rendered from, and can be again.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::or_default;
use crate::helm::{Chart, ChartError, File, decode_base64, encode_base64};

/// The chart inside a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedChart {
    /// `Chart.yaml`.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Map<String, Value>,
    /// `Chart.lock`.
    #[serde(default)]
    pub lock: Value,
    /// The templates.
    #[serde(default, deserialize_with = "or_default")]
    pub templates: Vec<RecordedFile>,
    /// The default values.
    #[serde(default)]
    pub values: Value,
    /// The schema of the values.
    #[serde(default)]
    pub schema: Option<Base64>,
    /// All other files.
    #[serde(default, deserialize_with = "or_default")]
    pub files: Vec<RecordedFile>,
    /// Fields we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A file inside a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// The path from the chart's root.
    #[serde(default)]
    pub name: String,
    /// The content.
    #[serde(default, deserialize_with = "or_default")]
    pub data: Base64,
    /// Fields we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Bytes that stand in the record as base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64(pub Bytes);

impl RecordedChart {
    /// A text field of `Chart.yaml`; empty where there is none.
    pub fn text(&self, field: &str) -> &str {
        self.metadata
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The chart itself, to be rendered again. Subcharts are not in a record.
    pub fn to_chart(&self) -> Result<Chart, ChartError> {
        let json = |value: &Value| value.to_string().into();
        let file = |name: &str, data: Bytes| File {
            name: name.to_owned(),
            data,
        };
        let mut files = vec![file(
            "Chart.yaml",
            json(&Value::Object(self.metadata.clone())),
        )];
        if self.values.is_object() {
            files.push(file("values.yaml", json(&self.values)));
        }
        if let Some(Base64(schema)) = &self.schema {
            files.push(file("values.schema.json", schema.clone()));
        }
        let recorded = self.templates.iter().chain(&self.files);
        files.extend(recorded.map(|recorded| file(&recorded.name, recorded.data.0.clone())));
        Chart::from_files(files)
    }
}

impl From<&Chart> for RecordedChart {
    fn from(chart: &Chart) -> Self {
        let files = |files: &[File]| {
            files
                .iter()
                .map(|file| RecordedFile {
                    name: file.name.clone(),
                    data: Base64(file.data.clone()),
                    other: Map::new(),
                })
                .collect()
        };
        Self {
            metadata: chart.metadata.to_json(),
            lock: chart.lock.clone(),
            templates: files(&chart.templates),
            values: chart.values.clone(),
            schema: chart
                .schema
                .as_ref()
                .map(|schema| Base64(schema.text().clone())),
            files: files(&chart.files),
            other: Map::new(),
        }
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode_base64(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        decode_base64(text.as_bytes())
            .map(|bytes| Self(bytes.into()))
            .map_err(|_| serde::de::Error::custom("the data is no base64"))
    }
}
