//! JSON as server functions send it, read in the same way as what hydrates a page.

use leptos::server_fn::{
    Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post, serde::de::Error as _,
};
use serde::{Serialize, de::DeserializeOwned};

/// JSON in and out, by POST.
pub type Json = Post<Text>;

/// JSON that is read from text. `JsonEncoding` of Leptos reads it from bytes and its resources from
/// text: that is every type's reader twice in the WASM.
#[derive(Debug)]
pub struct Text;

impl ContentType for Text {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for Text {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for Text {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for Text {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        serde_json::from_str(std::str::from_utf8(&bytes).map_err(serde_json::Error::custom)?)
    }
}
