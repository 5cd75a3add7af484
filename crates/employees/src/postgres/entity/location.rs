//! The table `locations`.

use database::{Scoped, StoreError, Tenant};
use sea_orm::{ActiveValue::Set, entity::prelude::*, prelude::TimeDateTimeWithTimeZone as Instant};

use crate::model::{Code, CountryCode, Location, Name, PostalAddress, Stamp};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "locations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) street_address: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) country: String,
    pub(crate) time_zone: Option<String>,
    pub(crate) created_at: Instant,
    pub(crate) updated_at: Instant,
    pub(crate) version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Scoped<Tenant> for Entity {}

impl From<&Location> for ActiveModel {
    fn from(location: &Location) -> Self {
        let address = &location.address;
        let text = |line: &Option<Name>| line.as_ref().map(|line| line.as_str().to_owned());
        Self {
            id: Set(location.id.uuid()),
            code: Set(location.code.as_str().to_owned()),
            name: Set(location.name.as_str().to_owned()),
            name_key: Set(location.name.key()),
            street_address: Set(text(&address.street)),
            postal_code: Set(text(&address.postal_code)),
            city: Set(text(&address.city)),
            region: Set(text(&address.region)),
            country: Set(address.country.as_str().to_owned()),
            time_zone: Set(location
                .time_zone
                .as_ref()
                .map(|zone| zone.name().to_owned())),
            created_at: Set(location.stamp.created_at),
            updated_at: Set(location.stamp.updated_at),
            version: Set(location.stamp.version),
        }
    }
}

impl TryFrom<Model> for Location {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let time_zone = row.time_zone.map(|zone| zone.parse()).transpose();
        Ok(Self {
            id: row.id.into(),
            code: Code::stored(row.code),
            name: Name::stored(row.name),
            address: PostalAddress {
                street: row.street_address.map(Name::stored),
                postal_code: row.postal_code.map(Name::stored),
                city: row.city.map(Name::stored),
                region: row.region.map(Name::stored),
                country: CountryCode::stored(row.country),
            },
            time_zone: time_zone.map_err(StoreError::corrupt)?,
            stamp: Stamp {
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            },
        })
    }
}
