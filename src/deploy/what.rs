//! What is said of a deployment beside where it goes: its release, and why.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::{context::Context, deployment::body, exit::Failure};

/// The flags that say what is deployed, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct What {
    /// The commit that the version was built from.
    #[arg(long)]
    commit: Option<String>,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// What the deployment is for.
    #[arg(long, value_enum, default_value_t = Intent::Deploy)]
    intent: Intent,
    /// Where to read on, such as the pipeline's run.
    #[arg(long)]
    url: Option<String>,
    /// Something else to remember, by name; may be repeated.
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<Pair>,
    /// What the deploying system calls it.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// What is put there, the digest that proves it and, if it is known, what sort of thing it is
    /// (`application/vnd.oci.image.manifest.v1+json`); may be repeated.
    #[arg(long = "artifact", value_name = "NAME=DIGEST[,MEDIA_TYPE]")]
    artifacts: Vec<Artifact>,
    /// A thing that the release is configured with there, and its digest; may be repeated.
    #[arg(long = "config", value_name = "NAME=DIGEST")]
    configuration: Vec<Pair>,
    /// What its makers say of the release.
    #[arg(long = "note", value_name = "TEXT")]
    notes: Option<String>,
    /// Something that the release changes; may be repeated.
    #[arg(long = "change", value_name = "KIND=DESCRIPTION")]
    changes: Vec<Pair>,
    /// Something that the release changes and that no rollback undoes; may be repeated.
    #[arg(long = "irreversible-change", value_name = "KIND=DESCRIPTION")]
    irreversible_changes: Vec<Pair>,
}

/// What a deployment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Intent {
    /// To put a release there.
    Deploy,
    /// To mend a failed deployment with another release.
    #[value(alias = "roll_forward")]
    RollForward,
    /// Nobody said.
    Unknown,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    name: String,
    value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.into(), value: value.into() })
            }
            Some(_) | None => Err("give a name, `=` and a value".into()),
        }
    }
}

/// What is put there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Artifact {
    name: String,
    digest: String,
    media_type: Option<String>,
}

impl FromStr for Artifact {
    type Err = String;

    /// A media type has a slash, and no comma; so a digest may have commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let Pair { name, value } = text.parse()?;
        match value.rsplit_once(',') {
            Some((digest, sort)) if sort.contains('/') => {
                Ok(Self { name, digest: digest.into(), media_type: Some(sort.into()) })
            }
            Some(_) | None => Ok(Self { name, digest: value, media_type: None }),
        }
    }
}

impl Artifact {
    fn wire(&self) -> Value {
        let Self { name, digest, media_type } = self;
        Value::Object(body([
            ("name", Some(name.as_str().into())),
            ("digest", Some(digest.as_str().into())),
            ("mediaType", media_type.as_deref().map(Into::into)),
        ]))
    }
}

impl What {
    /// Takes commit and URL from the pipeline's run where no flag says them.
    pub(crate) fn fill_in(&mut self, context: &mut Context<'_>) -> anyhow::Result<()> {
        let Some(run) = context.run() else { return Ok(()) };
        for (what, field, found) in
            [("commit", &mut self.commit, run.commit), ("url", &mut self.url, run.url)]
        {
            if let (None, Some(found)) = (&field, found) {
                let origin = format!("environment variable {}", found.variable);
                context.explain(what, &found.value, &origin)?;
                *field = Some(found.value);
            }
        }
        Ok(())
    }

    /// The fields of a request that asks for this version.
    pub(crate) fn into_fields(self, version: &str) -> anyhow::Result<Map<String, Value>> {
        let release = self.release(version);
        let Self { reason, intent, url, labels, external_id, configuration, .. } = self;
        Ok(body([
            ("intent", Some(json!({"kind": intent.wire()}))),
            ("release", Some(release)),
            ("configuration", by_name("--config", configuration)?),
            ("reason", reason.map(Into::into)),
            ("external_id", external_id.map(Into::into)),
            ("url", url.map(Into::into)),
            ("labels", by_name("--label", labels)?),
        ]))
    }

    fn release(&self, version: &str) -> Value {
        let artifacts: Vec<_> = self.artifacts.iter().map(Artifact::wire).collect();
        let changes = self
            .changes
            .iter()
            .map(|Pair { name, value }| json!({"kind": name, "description": value}));
        let irreversible = self.irreversible_changes.iter().map(
            |Pair { name, value }| json!({"kind": name, "description": value, "reversible": false}),
        );
        let changes: Vec<_> = changes.chain(irreversible).collect();
        Value::Object(body([
            ("version", Some(version.into())),
            ("commit", self.commit.clone().map(Into::into)),
            ("artifacts", (!artifacts.is_empty()).then_some(artifacts.into())),
            ("notes", self.notes.clone().map(Into::into)),
            ("changes", (!changes.is_empty()).then_some(changes.into())),
        ]))
    }
}

/// An object of these, if there are any; no name may be given twice.
fn by_name(flag: &str, pairs: Vec<Pair>) -> anyhow::Result<Option<Value>> {
    let mut fields = Map::new();
    for Pair { name, value } in pairs {
        if fields.contains_key(&name) {
            return Err(Failure::usage(format!("{flag} names `{name}` twice")).into());
        }
        fields.insert(name, value.into());
    }
    Ok((!fields.is_empty()).then_some(Value::Object(fields)))
}

impl Intent {
    fn wire(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::RollForward => "roll_forward",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_divided_at_the_first_equals_sign() {
        let pair = |name: &str, value: &str| Pair { name: name.into(), value: value.into() };
        assert_eq!("image=sha256:a=b".parse(), Ok(pair("image", "sha256:a=b")));
        assert_eq!("empty=".parse(), Ok(pair("empty", "")));
        assert!("=x".parse::<Pair>().is_err());
        assert!("x".parse::<Pair>().is_err());
    }

    #[test]
    fn a_name_that_is_given_twice_is_an_error_and_names_the_flag() {
        let pair = |text: &str| text.parse::<Pair>().unwrap();
        let once = by_name("--config", vec![pair("a=1"), pair("b=2")]).unwrap();
        assert_eq!(once, Some(json!({"a": "1", "b": "2"})));
        let twice = by_name("--config", vec![pair("a=1"), pair("a=2")]).unwrap_err();
        assert_eq!(twice.to_string(), "--config names `a` twice");
        assert_eq!(by_name("--label", Vec::new()).unwrap(), None);
    }

    #[test]
    fn an_artifact_ends_with_its_media_type_if_it_has_one() {
        let wire = |text: &str| text.parse::<Artifact>().unwrap().wire();
        assert_eq!(wire("image=sha256:0a"), json!({"name": "image", "digest": "sha256:0a"}));
        assert_eq!(
            wire("image=sha256:0a,application/x-tar"),
            json!({"name": "image", "digest": "sha256:0a", "mediaType": "application/x-tar"})
        );
        assert_eq!(wire("image=0a,1b"), json!({"name": "image", "digest": "0a,1b"}));
    }
}
