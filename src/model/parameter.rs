//! What templates are told when they are deployed. An author may name these in a custom component's properties.

/// A parameter of the templates. The set is closed: tenants differ in nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// The tenant's id.
    TenantId,
    /// The readable part of the tenant's names.
    TenantLabel,
    /// The digest in the tenant's names.
    TenantDigest,
    /// The cell's name.
    Cell,
    /// The digest in the cell's names.
    CellDigest,
    /// The name of the stack that the cell's tenants share.
    CellStack,
    /// The owner tag.
    Owner,
    /// The cost centre tag.
    CostCenter,
}

impl Parameter {
    /// All of them, in the order templates declare them.
    pub const ALL: [Self; 8] = [
        Self::TenantId,
        Self::TenantLabel,
        Self::TenantDigest,
        Self::Cell,
        Self::CellDigest,
        Self::CellStack,
        Self::Owner,
        Self::CostCenter,
    ];

    /// The name as a template writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TenantId => "TenantId",
            Self::TenantLabel => "TenantLabel",
            Self::TenantDigest => "TenantDigest",
            Self::Cell => "Cell",
            Self::CellDigest => "CellDigest",
            Self::CellStack => "CellStack",
            Self::Owner => "Owner",
            Self::CostCenter => "CostCenter",
        }
    }

    /// The parameter of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|parameter| parameter.as_str() == name)
    }

    /// Whether it says something about a tenant, or something that only a tenant's own stack is told.
    #[must_use]
    pub fn is_of_tenant(self) -> bool {
        matches!(self, Self::TenantId | Self::TenantLabel | Self::TenantDigest | Self::CellStack)
    }
}
