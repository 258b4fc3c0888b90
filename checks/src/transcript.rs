use serde::{Deserialize, Serialize};

/// What one exchange carried, in both directions: enough to see what the target said, and to ask it again.
///
/// Only the few exchanges that explain a failed run have one. Secrets and credentials are taken out of it:
/// `[redacted:NAME]` stands for the secret of that name, or says what kind of credential was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    pub sent: Message,
    /// Absent where no head came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Message>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Message {
    /// In the order in which they stood; those past the bound are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Absent where there was none, or where nothing of it could be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyExcerpt>,
}

impl Message {
    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// In lower case.
    pub name: String,
    pub value: String,
}

/// The beginning of a body, decoded; of one that is no text, its first bytes in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyExcerpt {
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_binary: bool,
    /// Whether `text` is all of it.
    pub is_whole: bool,
}
