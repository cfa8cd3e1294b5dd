//! The built-in objects with methods: `.Files`, `.Capabilities`, its versions.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::print;
use super::super::value::{Field, Items, List, Object, Tag, Value, stray};
use super::super::yaml;
use super::super::{ApiVersions, Capabilities, encode_base64, glob};
use super::args::Args;
use super::error::Fault;

/// The Helm version charts see, as `.Capabilities.HelmVersion`.
const HELM_VERSION: &str = "v4.3.1";
/// The Kubernetes whose client that Helm has.
const KUBE_CLIENT_VERSION: &str = "v1.37";

/// `.Files`: the chart's files that are no templates.
pub(super) struct Files(BTreeMap<String, Rc<[u8]>>);

impl Files {
    pub(super) fn new(files: &[super::super::File]) -> Self {
        Self(
            files
                .iter()
                .map(|file| (file.name.clone(), (*file.data).into()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Rc<[u8]> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    fn matching(&self, pattern: &str) -> Self {
        // Helm takes a pattern that it cannot read for `**`.
        let glob = glob::Glob::new(pattern).or_else(|| glob::Glob::new("**"));
        Self(
            self.0
                .iter()
                .filter(|(name, _)| glob.as_ref().is_some_and(|glob| glob.matches(name)))
                .map(|(name, data)| (name.clone(), data.clone()))
                .collect(),
        )
    }

    /// The files by their last path segment, as the data of a `ConfigMap` or Secret; nothing where they make none.
    fn as_data(&self, text: impl Fn(&[u8]) -> Value) -> Value {
        let data = self.0.iter().map(|(name, data)| {
            let base = name.rsplit('/').next().unwrap_or(name);
            (base, text(data))
        });
        let json = Value::Map(data.collect()).to_yaml_json();
        let text = json.map(|json| yaml::to_string(&json)).unwrap_or_default();
        Value::str(text.strip_suffix('\n').unwrap_or(&text))
    }

    fn lines(&self, name: &str) -> Value {
        let data = self.get(name);
        if data.is_empty() {
            return Value::List(List::new(Vec::new(), Items::Strings));
        }
        let text = stray::text_of(&data);
        Value::strings(text.strip_suffix('\n').unwrap_or(&text).split('\n'))
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::Bytes(self.get(name)))
    }

    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>> {
        let result = match method {
            "Get" => args
                .string(0)
                .map(|name| Value::from_bytes(&self.get(&name))),
            "GetBytes" => args.string(0).map(|name| Value::Bytes(self.get(&name))),
            "Lines" => args.string(0).map(|name| self.lines(&name)),
            "Glob" => args
                .string(0)
                .map(|pattern| Value::Object(Rc::new(self.matching(&pattern)))),
            "AsConfig" => Ok(self.as_data(Value::from_bytes)),
            "AsSecrets" => Ok(self.as_data(|data| encode_base64(data).into())),
            _ => return None,
        };
        let wanted = usize::from(!method.starts_with("As"));
        Some(expect_args(args, wanted).and(result))
    }

    fn plain(&self) -> Value {
        Value::Map(
            self.0
                .iter()
                .map(|(name, data)| (name.as_str(), Value::Bytes(data.clone())))
                .collect(),
        )
    }
}

/// `.Capabilities`.
pub(super) struct CapabilitiesObject {
    fields: [Field; 3],
}

impl CapabilitiesObject {
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        let version = KubeVersion::new(&capabilities.kube_version);
        let versions = Versions(capabilities.api_versions.clone());
        let field = |name, value: Rc<dyn Object>| Field {
            name,
            tag: Tag::Own,
            value: Value::Object(value),
        };
        Self {
            fields: [
                field("KubeVersion", Rc::new(version)),
                field("APIVersions", Rc::new(versions)),
                field("HelmVersion", Rc::new(HelmVersion)),
            ],
        }
    }
}

impl Object for CapabilitiesObject {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        field_of(&self.fields, name)
    }

    fn call(&self, _method: &str, _args: &Args<'_>) -> Option<Result<Value, Fault>> {
        None
    }

    fn fields(&self) -> Option<Vec<Field>> {
        Some(self.fields.to_vec())
    }

    /// Go has a pointer, which an action follows.
    fn plain(&self) -> Value {
        format!("&{}", struct_text(&self.fields)).into()
    }

    fn printed(&self) -> Value {
        struct_text(&self.fields).into()
    }
}

/// `.Capabilities.HelmVersion`.
struct HelmVersion;

impl Object for HelmVersion {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn field(&self, name: &str) -> Option<Value> {
        field_of(&self.fields()?, name)
    }

    fn call(&self, _method: &str, _args: &Args<'_>) -> Option<Result<Value, Fault>> {
        None
    }

    fn fields(&self) -> Option<Vec<Field>> {
        let field = |name, tag, value: &str| Field {
            name,
            tag,
            value: value.into(),
        };
        Some(vec![
            field("Version", Tag::Named("version"), HELM_VERSION),
            field("GitCommit", Tag::Filled("git_commit"), ""),
            field("GitTreeState", Tag::Filled("git_tree_state"), ""),
            field("GoVersion", Tag::Filled("go_version"), ""),
            field(
                "KubeClientVersion",
                Tag::Filled("kube_client_version"),
                KUBE_CLIENT_VERSION,
            ),
        ])
    }

    fn plain(&self) -> Value {
        struct_text(&self.fields().unwrap_or_default()).into()
    }
}

fn field_of(fields: &[Field], name: &str) -> Option<Value> {
    let field = fields.iter().find(|field| field.name == name)?;
    Some(field.value.clone())
}

/// A struct as Go prints it. Its fields lie too flat for that to fail.
fn struct_text(fields: &[Field]) -> String {
    let texts = fields.iter().map(|field| print::sprint(&field.value));
    let texts: Vec<String> = texts.map(Result::unwrap_or_default).collect();
    format!("{{{}}}", texts.join(" "))
}

/// `.Capabilities.APIVersions`: a list with `Has`.
struct Versions(ApiVersions);

impl Object for Versions {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>> {
        (method == "Has").then(|| {
            expect_args(args, 1)?;
            let wanted = args.string(0)?;
            Ok(self.0.look().iter().any(|known| **known == *wanted).into())
        })
    }

    fn plain(&self) -> Value {
        Value::strings(self.0.look().iter().map(String::as_str))
    }
}

/// `.Capabilities.KubeVersion`; prints as its version without suffixes.
#[derive(Clone)]
struct KubeVersion {
    full: String,
    major: String,
    minor: String,
    normalized: String,
    /// Whether a function had it; Go then no longer finds its method `String`.
    is_passed: bool,
}

impl KubeVersion {
    fn new(version: &str) -> Self {
        let bare = version.strip_prefix('v').unwrap_or(version);
        let end = bare
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(bare.len());
        let mut numbers = bare[..end].split('.').filter(|part| !part.is_empty());
        let mut next = || numbers.next().unwrap_or("0").to_owned();
        let (major, minor, patch) = (next(), next(), next());
        Self {
            full: format!("v{bare}"),
            normalized: format!("v{major}.{minor}.{patch}"),
            major,
            minor,
            is_passed: false,
        }
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn field(&self, name: &str) -> Option<Value> {
        field_of(&self.fields()?, name)
    }

    fn call(&self, method: &str, args: &Args<'_>) -> Option<Result<Value, Fault>> {
        let text = match method {
            "GitVersion" => &self.full,
            "String" => &self.normalized,
            _ => return None,
        };
        Some(expect_args(args, 0).map(|()| text.as_str().into()))
    }

    fn fields(&self) -> Option<Vec<Field>> {
        let field = |name, value: &str| Field {
            name,
            tag: Tag::Own,
            value: value.into(),
        };
        Some(vec![
            field("Version", &self.full),
            field("Major", &self.major),
            field("Minor", &self.minor),
        ])
    }

    /// Go passes the struct by value, which takes its `String` method away.
    fn plain(&self) -> Value {
        let Self {
            full,
            major,
            minor,
            normalized,
            ..
        } = self;
        format!("{{{full} {normalized} {major} {minor}}}").into()
    }

    fn printed(&self) -> Value {
        if self.is_passed {
            self.plain()
        } else {
            self.normalized.as_str().into()
        }
    }

    fn passed(&self) -> Option<Value> {
        let passed = Self {
            is_passed: true,
            ..self.clone()
        };
        Some(Value::Object(Rc::new(passed)))
    }
}

fn expect_args(args: &Args<'_>, wanted: usize) -> Result<(), Fault> {
    if args.len() == wanted {
        Ok(())
    } else {
        Err(Fault::new(format!(
            "takes {wanted} arguments but got {}",
            args.len()
        )))
    }
}
