//! JSON objects that Swell stores and hands on without looking inside.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, value::RawValue};

use crate::Time;

/// A JSON object kept as text: a batch of 1,000 results is read from the database and written to
/// the socket without being parsed in between.
///
/// What arrives from outside is parsed once ([`Deserialize`]), so that it is known to be an object
/// of sane depth (at most 128 levels) without lone surrogates.
#[derive(Clone, Debug)]
pub struct JsonObject(Box<RawValue>);

impl JsonObject {
    /// Wraps text that is known to be a JSON object, such as a `jsonb` column's.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn from_text(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// The object's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The object, parsed.
    #[must_use]
    pub fn parse(&self) -> Map<String, Value> {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(map: Map<String, Value>) -> Self {
        // A map with string keys always serialises; the empty object stands in for what cannot be.
        let raw = serde_json::value::to_raw_value(&map)
            .unwrap_or_else(|_| RawValue::from_string("{}".to_owned()).unwrap_or_default());
        Self(raw)
    }
}

impl PartialEq for JsonObject {
    /// Equal as JSON: the order of keys and the spacing do not count.
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() || self.parse() == other.parse()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::<String, Value>::deserialize(deserializer).map(Self::from)
    }
}

/// A value that must arrive as a JSON object: serde would also read a struct from an array of its
/// fields.
#[derive(Debug)]
pub struct Only<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Only<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Only<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Only<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Only)
            }
        }
        deserializer.deserialize_map(Object(PhantomData))
    }
}

/// For `deserialize_with`: a field that must be an object.
///
/// # Errors
/// When it is none, or not what `T` wants.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Only::deserialize(deserializer).map(|Only(value)| value)
}

/// For `deserialize_with`: a list of objects.
///
/// # Errors
/// When an entry is none, or not what `T` wants.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Only<T>>::deserialize(deserializer)?;
    Ok(items.into_iter().map(|Only(value)| value).collect())
}

/// Reads a struct field by field from a [`Value`]: a fifth of the code that serde's derive makes of it, which
/// counts where the browser downloads it. For what Swell itself writes: what cannot be read is not explained.
/// `field = "name"` is called otherwise on the wire; fields after the semicolon have a default when they are
/// absent; those after another one are times ([`time`]).
///
/// Whatever holds a struct that is read by hand should be read by hand itself: otherwise both are made for
/// two kinds of readers.
#[macro_export]
macro_rules! read_by_hand {
    ($name:ident {
        $($field:ident $(= $wire:literal)?),* $(,)?
        $(; $($later:ident),* $(,)? $(; $($time:ident),* $(,)?)?)?
    }) => {
        impl $name {
            fn read_by_hand(value: &serde_json::Value) -> Option<Self> {
                Some(Self {
                    $($field: $crate::json::field(value, $crate::read_by_hand!(@name $field $($wire)?))?,)*
                    $(
                        $($later: $crate::json::field(value, stringify!($later)).unwrap_or_default(),)*
                        $($($time: $crate::json::Moment::read(&value[stringify!($time)])?,)*)?
                    )?
                })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                Self::read_by_hand(&value).ok_or_else(|| serde::de::Error::custom(stringify!($name)))
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $wire:literal) => { $wire };
}

/// A field of an object; one that is absent is null.
#[must_use]
pub fn field<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Option<T> {
    T::deserialize(&value[name]).ok()
}

/// A time, or one that may be missing, in a struct that is read by hand.
pub trait Moment: Sized {
    /// Reads it; none when it is none.
    fn read(value: &Value) -> Option<Self>;
}

impl Moment for Time {
    fn read(value: &Value) -> Option<Self> {
        time(value.as_str()?)
    }
}

impl Moment for Option<Time> {
    fn read(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { Time::read(value).map(Some) }
    }
}

/// Reads a time as Swell writes it, such as `2026-11-25T12:00:00.123456Z`. What chrono reads times with knows
/// every other way to write them as well, and is 4 kB to download.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let number = |text: &str| text.parse::<u32>().ok();
    let three = |text: &str, mark| -> Option<[u32; 3]> {
        let mut parts = text.split(mark).map(number);
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(three)
    };
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(clock, ':')?;
    let nanos = match u32::try_from(fraction.len()).ok()? {
        0 => 0,
        digits => number(fraction)?.checked_mul(10_u32.pow(9_u32.checked_sub(digits)?))?,
    };
    let date = chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.and_hms_nano_opt(hour, minute, second, nanos)?.and_utc())
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for JsonObject {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Object)
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(
                true,
            )))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for JsonObject {}
