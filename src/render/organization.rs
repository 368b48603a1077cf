//! The template of the management account: an organizational unit a tier, and the policies that stand on it.
//!
//! Suspended tenants move into a unit below their tier's, so that they keep the tier's guardrails (a legal hold
//! outlives a suspension) and `suspended` comes on top. Resources:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Organizations.html>.
//!
//! Deliberately absent: accounts, which come and go with tenants and not with templates, and the organization's
//! root, which belongs to somebody else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cfn::LogicalId;
use crate::facts::{Facts, FactsError};
use crate::model::{BlueprintName, TierName};

/// The parameter for the root or the unit that the tiers' units stand below.
pub const PARENT: &str = "ParentId";

/// The declaration of [`PARENT`].
#[must_use]
pub fn parent_parameter() -> Value {
    json!({
        "Type": "String",
        "Description": "The root (r-...) or the organizational unit (ou-...) that the tiers stand below",
        "AllowedPattern": "^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$",
    })
}

/// A policy to attach.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// The policy document.
    pub content: Value,
    /// The guardrails that have statements in it.
    pub guardrails: BTreeSet<String>,
}

/// A tier that has accounts of its own, or of its cells.
#[derive(Debug, Clone, PartialEq)]
pub struct TierUnit {
    /// The tier.
    pub tier: TierName,
    /// Its service control policies, in the order of their numbers.
    pub service_control: Vec<Attachment>,
    /// Its resource control policies, in the order of their numbers.
    pub resource_control: Vec<Attachment>,
    /// Whether its tenants can be suspended, so that there is a unit for those that are.
    pub suspendable: bool,
}

/// What the template is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// The product.
    pub blueprint: BlueprintName,
    /// Its tiers, in the order they are emitted in.
    pub tiers: Vec<TierUnit>,
    /// The service control policies of suspended tenants. They stand on the units of all suspendable tiers.
    pub suspended: Vec<Attachment>,
    /// Tags for every resource.
    pub tags: BTreeMap<String, String>,
}

/// A resource of the template, before there is a typed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its name in the template.
    pub id: LogicalId,
    /// Its type.
    pub type_name: &'static str,
    /// Its properties.
    pub properties: Value,
    /// What has to be there before it.
    pub depends_on: Vec<LogicalId>,
    /// `DeletionPolicy`. A guardrail that goes with its stack would go when it is needed most.
    pub deletion_policy: &'static str,
    /// `UpdateReplacePolicy`.
    pub update_replace_policy: &'static str,
}

const UNIT: &str = "AWS::Organizations::OrganizationalUnit";
const POLICY: &str = "AWS::Organizations::Policy";

/// A kind of policy: its type, and the word in names.
type Kind = (&'static str, &'static str);
const SERVICE_CONTROL: Kind = ("SERVICE_CONTROL_POLICY", "scp");
const RESOURCE_CONTROL: Kind = ("RESOURCE_CONTROL_POLICY", "rcp");

/// A name for what all tiers share. With seventeen characters it is too long to be a tier's.
const SUSPENDED: &str = "suspended-tenants";

impl Organization {
    /// The resources, units first. Each waits for the one before: Organizations changes one thing at a time and
    /// fails the others with `ConcurrentModificationException`.
    ///
    /// # Errors
    /// If the facts lack the limit of a description.
    pub fn resources(&self, facts: &Facts) -> Result<Vec<Resource>, FactsError> {
        let described = facts.limit("organization_policy_description")?.size();
        let mut chain = Chain { organization: self, described, resources: Vec::new() };
        let mut suspended = Vec::new();
        let mut tiers = Vec::new();
        for tier in &self.tiers {
            let name = tier.tier.as_str();
            let unit = chain.unit(&[name], &self.name(&[name]), json!({ "Ref": PARENT }));
            if tier.suspendable {
                let parent = json!({ "Ref": unit.as_str() });
                suspended.push(chain.unit(&[name, "suspended"], &self.name(&[name, "suspended"]), parent));
            }
            tiers.push((tier, unit));
        }
        for (tier, unit) in tiers {
            let name = tier.tier.as_str();
            chain.policies(SERVICE_CONTROL, name, &tier.service_control, std::slice::from_ref(&unit));
            chain.policies(RESOURCE_CONTROL, name, &tier.resource_control, std::slice::from_ref(&unit));
        }
        // A policy without a target would only take up room in the organization.
        if !suspended.is_empty() {
            chain.policies(SERVICE_CONTROL, SUSPENDED, &self.suspended, &suspended);
        }
        Ok(chain.resources)
    }

    /// Names are unique in the organization, which other products share. A dot is in no blueprint's and no tier's
    /// name, so two products never make the same one.
    fn name(&self, parts: &[&str]) -> String {
        let mut name = self.blueprint.to_string();
        for part in parts {
            name.push('.');
            name.push_str(part);
        }
        name
    }
}

struct Chain<'a> {
    organization: &'a Organization,
    described: usize,
    resources: Vec<Resource>,
}

impl Chain<'_> {
    fn unit(&mut self, path: &[&str], name: &str, parent: Value) -> LogicalId {
        let properties = json!({ "Name": name, "ParentId": parent, "Tags": self.tags() });
        self.push([path, &["unit"]].concat(), UNIT, properties)
    }

    fn policies(&mut self, kind: Kind, owner: &str, attachments: &[Attachment], targets: &[LogicalId]) {
        let (policy_type, word) = kind;
        let targets: Vec<Value> = targets.iter().map(|target| json!({ "Ref": target.as_str() })).collect();
        for (attachment, number) in attachments.iter().zip(1_u32..) {
            let number = number.to_string();
            let guardrails: Vec<&str> = attachment.guardrails.iter().map(String::as_str).collect();
            let description: String =
                format!("Guardrails: {}", guardrails.join(", ")).chars().take(self.described).collect();
            let properties = json!({
                "Name": self.organization.name(&[owner, &format!("{word}-{number}")]),
                "Description": description,
                "Type": policy_type,
                "Content": attachment.content,
                "TargetIds": targets,
                "Tags": self.tags(),
            });
            self.push(vec![owner, word, &number], POLICY, properties);
        }
    }

    fn push(&mut self, path: Vec<&str>, type_name: &'static str, properties: Value) -> LogicalId {
        let path = [&["organization"], path.as_slice()].concat();
        let id = LogicalId::from_path(&path);
        // A resource whose properties name the one before waits for it already.
        let text = properties.to_string();
        let before = self.resources.last().map(|before| before.id.clone());
        let depends_on = before.filter(|before| !text.contains(before.as_str())).into_iter().collect();
        self.resources.push(Resource {
            id: id.clone(),
            type_name,
            properties,
            depends_on,
            // A stack that fails on its way up takes back what it made, so that it can be tried again.
            deletion_policy: "RetainExceptOnCreate",
            update_replace_policy: "Retain",
        });
        id
    }

    fn tags(&self) -> Value {
        self.organization.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(guardrail: &str) -> Attachment {
        Attachment {
            content: json!({ "Version": "2012-10-17", "Statement": [] }),
            guardrails: [guardrail.to_owned()].into(),
        }
    }

    fn organization() -> Organization {
        let tier = |name, suspendable| TierUnit {
            tier: TierName::new(name).unwrap(),
            service_control: vec![attachment("regions"), attachment("services")],
            resource_control: vec![attachment("data-perimeter")],
            suspendable,
        };
        Organization {
            blueprint: BlueprintName::new("orders").unwrap(),
            tiers: vec![tier("enterprise", true), tier("regulated", true), tier("basic", false)],
            suspended: vec![attachment("suspended")],
            tags: [("ManagedBy".to_owned(), "tenantry".to_owned())].into(),
        }
    }

    fn named(resources: &[Resource]) -> Vec<(&str, &str)> {
        let name = |resource: &Resource| resource.properties["Name"].as_str().unwrap_or_default().len();
        assert!(resources.iter().all(|resource| name(resource) <= 128));
        resources
            .iter()
            .map(|resource| {
                (resource.type_name.rsplit(':').next().unwrap(), resource.properties["Name"].as_str().unwrap())
            })
            .collect()
    }

    #[test]
    fn units_come_first_and_names_tell_products_apart() {
        let resources = organization().resources(&Facts::shipped().unwrap()).unwrap();
        assert_eq!(
            named(&resources),
            [
                ("OrganizationalUnit", "orders.enterprise"),
                ("OrganizationalUnit", "orders.enterprise.suspended"),
                ("OrganizationalUnit", "orders.regulated"),
                ("OrganizationalUnit", "orders.regulated.suspended"),
                ("OrganizationalUnit", "orders.basic"),
                ("Policy", "orders.enterprise.scp-1"),
                ("Policy", "orders.enterprise.scp-2"),
                ("Policy", "orders.enterprise.rcp-1"),
                ("Policy", "orders.regulated.scp-1"),
                ("Policy", "orders.regulated.scp-2"),
                ("Policy", "orders.regulated.rcp-1"),
                ("Policy", "orders.basic.scp-1"),
                ("Policy", "orders.basic.scp-2"),
                ("Policy", "orders.basic.rcp-1"),
                ("Policy", "orders.suspended-tenants.scp-1"),
            ]
        );
        // What all tiers share has a name that no tier can have.
        assert!(TierName::new(SUSPENDED).is_err());
    }

    #[test]
    fn every_resource_waits_for_the_one_before() {
        let resources = organization().resources(&Facts::shipped().unwrap()).unwrap();
        assert!(resources[0].depends_on.is_empty());
        for pair in resources.windows(2) {
            let named = pair[1].properties.to_string().contains(pair[0].id.as_str());
            assert!(named || pair[1].depends_on == [pair[0].id.clone()]);
        }
        let ids: BTreeSet<_> = resources.iter().map(|resource| &resource.id).collect();
        assert_eq!(ids.len(), resources.len());
    }

    #[test]
    fn suspended_tenants_keep_the_guardrails_of_their_tier() {
        let resources = organization().resources(&Facts::shipped().unwrap()).unwrap();
        let unit = |name: &str| resources.iter().find(|resource| resource.properties["Name"] == name).unwrap();
        let parent = &unit("orders.enterprise.suspended").properties["ParentId"];
        assert_eq!(parent, &json!({ "Ref": unit("orders.enterprise").id.as_str() }));
        assert_eq!(unit("orders.enterprise").properties["ParentId"], json!({ "Ref": PARENT }));
        let policy = &unit("orders.suspended-tenants.scp-1").properties;
        let below = |name: &str| json!({ "Ref": unit(name).id.as_str() });
        assert_eq!(
            policy["TargetIds"],
            json!([below("orders.enterprise.suspended"), below("orders.regulated.suspended")])
        );
        assert_eq!(policy["Type"], "SERVICE_CONTROL_POLICY");
        assert_eq!(policy["Description"], "Guardrails: suspended");
        assert_eq!(policy["Tags"], json!([{ "Key": "ManagedBy", "Value": "tenantry" }]));
    }

    #[test]
    fn nobody_suspended_means_no_policy_for_them() {
        let mut organization = organization();
        organization.tiers.retain(|tier| !tier.suspendable);
        let resources = organization.resources(&Facts::shipped().unwrap()).unwrap();
        assert!(!named(&resources).iter().any(|(_, name)| name.contains("suspended")));
    }
}
