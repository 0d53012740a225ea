//! Why an address must not be written to.

use super::identifier::IdentifierKind;

/// A way to reach a contact that has an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Mail.
    Email,
    /// Text messages and calls.
    Phone,
}

impl Channel {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Email, Self::Phone];

    /// The name on the wire: that of the field with the address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phoneNumber",
        }
    }

    /// The name on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Phone => "Phone",
        }
    }

    /// The channel with that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The identifier that is the channel's address.
    pub const fn kind(self) -> IdentifierKind {
        match self {
            Self::Email => IdentifierKind::Email,
            Self::Phone => IdentifierKind::PhoneNumber,
        }
    }

    /// The reasons of this channel, in the vendor's order.
    pub const fn reasons(self) -> &'static [Reason] {
        match self {
            Self::Email => &[Reason::Hard, Reason::Complaint, Reason::ListUnsubscribe],
            Self::Phone => &[Reason::Import, Reason::Invalid, Reason::Unsubscribe, Reason::Undeliverable],
        }
    }

    /// The names of the reasons, in the same order.
    pub const fn reason_names(self) -> &'static [&'static str] {
        match self {
            Self::Email => &["hard", "complaint", "list-unsubscribe"],
            Self::Phone => &["import", "invalid", "unsubscribe", "undeliverable"],
        }
    }

    /// The lowest and the highest code of a reason of this channel.
    pub const fn codes(self) -> [i64; 2] {
        match self {
            Self::Email => [0, 15],
            Self::Phone => [16, 31],
        }
    }

    /// The reason of a value that comes without one: the vendor's choice.
    pub const fn default_reason(self) -> Reason {
        match self {
            Self::Email => Reason::Hard,
            Self::Phone => Reason::Import,
        }
    }
}

/// Why an address is suppressed: the vendor's `rejectType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The mailbox does not exist.
    Hard,
    /// The person complained.
    Complaint,
    /// The person unsubscribed by the header of a mail.
    ListUnsubscribe,
    /// An operator or a file named the number.
    Import,
    /// The number does not exist.
    Invalid,
    /// The person complained or unsubscribed.
    Unsubscribe,
    /// The number cannot be reached.
    Undeliverable,
}

impl Reason {
    /// All, by channel.
    pub const ALL: [Self; 7] = [
        Self::Hard,
        Self::Complaint,
        Self::ListUnsubscribe,
        Self::Import,
        Self::Invalid,
        Self::Unsubscribe,
        Self::Undeliverable,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Complaint => "complaint",
            Self::ListUnsubscribe => "list-unsubscribe",
            Self::Import => "import",
            Self::Invalid => "invalid",
            Self::Unsubscribe => "unsubscribe",
            Self::Undeliverable => "undeliverable",
        }
    }

    /// The reason with that name, of any channel.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The channel that it is about.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Hard | Self::Complaint | Self::ListUnsubscribe => Channel::Email,
            Self::Import | Self::Invalid | Self::Unsubscribe | Self::Undeliverable => Channel::Phone,
        }
    }

    /// The stored number; see [`Channel::codes`].
    pub const fn code(self) -> i64 {
        match self {
            Self::Hard => 0,
            Self::Complaint => 1,
            Self::ListUnsubscribe => 2,
            Self::Import => 16,
            Self::Invalid => 17,
            Self::Unsubscribe => 18,
            Self::Undeliverable => 19,
        }
    }

    /// The reason with that number.
    pub fn of_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl Channel {
    /// The reason of this channel with that name.
    pub fn reason(self, name: &str) -> Option<Reason> {
        self.reasons().iter().copied().find(|reason| reason.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_code_within_its_channel_and_its_name() {
        let of_channels = Channel::ALL.into_iter().flat_map(|channel| channel.reasons().iter().copied());
        assert_eq!(of_channels.collect::<Vec<_>>(), Reason::ALL);
        for channel in Channel::ALL {
            let names: Vec<_> = channel.reasons().iter().map(|reason| reason.name()).collect();
            assert_eq!(names, channel.reason_names());
            assert_eq!(channel.default_reason().channel(), channel);
        }
        for reason in Reason::ALL {
            let [low, high] = reason.channel().codes();
            assert!((low..=high).contains(&reason.code()));
            assert_eq!(Reason::of_code(reason.code()), Some(reason));
            assert_eq!(reason.channel().reason(reason.name()), Some(reason));
        }
        assert_eq!(Reason::of_code(3), None);
        assert_eq!(Channel::Email.reason("import"), None);
    }
}
