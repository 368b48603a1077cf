//! A user pool: `AWS::Cognito::UserPool` and one `AWS::Cognito::UserPoolClient`.
//!
//! Users carry `custom:tenantId`, which cannot change and which no app client may write: the claim that says whose
//! data a token opens is set by whoever creates the user.

use super::context::Context;
use crate::cfn::types::cognito;
use crate::cfn::{Expr, LogicalId, Node};
use crate::model::Attribute;
use crate::model::component::{Mfa, UserPool};

pub(super) fn render(pool: &UserPool, cx: &mut Context<'_>) {
    let password = cognito::UserPoolPasswordPolicy::new()
        .minimum_length(pool.password_length)
        .require_lowercase(true)
        .require_numbers(true)
        .require_symbols(true)
        .require_uppercase(true)
        .temporary_password_validity_days(7_i64);
    let mut resource = cognito::UserPool::new()
        .user_pool_name(cx.physical_name("", 128))
        .admin_create_user_config(cognito::UserPoolAdminCreateUserConfig::new().allow_admin_create_user_only(true))
        .auto_verified_attributes(["email"])
        .username_attributes(["email"])
        .username_configuration(cognito::UserPoolUsernameConfiguration::new().case_sensitive(false))
        .deletion_protection("ACTIVE")
        .policies(cognito::UserPoolPolicies::new().password_policy(password))
        .account_recovery_setting(
            cognito::UserPoolAccountRecoverySetting::new()
                .recovery_mechanisms([cognito::UserPoolRecoveryOption::new().name("verified_email").priority(1_i64)]),
        )
        .schema([cognito::UserPoolSchemaAttribute::new()
            .name("tenantId")
            .attribute_data_type("String")
            .mutable(false)
            .string_attribute_constraints(
                cognito::UserPoolStringAttributeConstraints::new()
                    .min_length(cx.model.ids.min_length().to_string())
                    .max_length(cx.model.ids.max_length().to_string()),
            )])
        .mfa_configuration(match pool.mfa {
            Mfa::Off => "OFF",
            Mfa::Optional => "OPTIONAL",
            Mfa::Required => "ON",
        });
    if pool.mfa != Mfa::Off {
        resource = resource.enabled_mfas(["SOFTWARE_TOKEN_MFA"]);
    }
    let id = cx.add("pool", &resource);
    let client = cognito::UserPoolClient::new(Expr::reference(&id))
        .generate_secret(false)
        .explicit_auth_flows(["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"])
        .enable_token_revocation(true)
        .prevent_user_existence_errors("ENABLED")
        .read_attributes(["custom:tenantId", "email", "email_verified"])
        .write_attributes(["email"]);
    cx.add("client", &client);
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Id => Some(Node::Ref(id("pool"))),
        Attribute::Arn => Some(Node::GetAtt(id("pool"), "Arn".into())),
        Attribute::ClientId => Some(Node::Ref(id("client"))),
        Attribute::Url => Some(Node::GetAtt(id("pool"), "ProviderURL".into())),
        Attribute::Name => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pooled, siloed};

    #[test]
    fn the_tenant_claim_cannot_be_written_by_users() {
        for stack in [siloed("components: [{ user_pool: Users }]"), pooled("components: [{ user_pool: Users }]")] {
            assert_eq!(stack.types(), ["Cognito::UserPool", "Cognito::UserPoolClient"]);
            assert_eq!(stack.get("Cognito::UserPool", "/Schema/0/Name"), "tenantId");
            assert_eq!(stack.get("Cognito::UserPool", "/Schema/0/Mutable"), false);
            let writable = stack.get("Cognito::UserPoolClient", "/WriteAttributes").to_string();
            assert!(!writable.contains("tenantId"), "{writable}");
            assert_eq!(stack.get("Cognito::UserPool", "/AdminCreateUserConfig/AllowAdminCreateUserOnly"), true);
        }
    }

    #[test]
    fn a_second_factor_as_asked() {
        for (word, value) in [("off", "OFF"), ("optional", "OPTIONAL"), ("required", "ON")] {
            let stack = siloed(&format!("components: [{{ user_pool: Users, mfa: '{word}' }}]"));
            assert_eq!(stack.get("Cognito::UserPool", "/MfaConfiguration"), value);
        }
    }
}
