//! The kinds of value that a variable may hold, and how to say so to a person.

/// What a value must look like. `check` (in its own file) refuses anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// true/1/yes/on or false/0/no/off in any case (V2).
    Flag,
    /// Exactly `on` or `off` (V2).
    OnOff,
    /// Runs on exactly this text; any other text is the stopped side and never a refusal (V2).
    StoppedUnless(&'static str),
    /// A whole number, bounds included.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A number of milliseconds, bounds included.
    Millis {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A number of seconds, bounds included.
    Seconds {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// An unsigned decimal number, kept as exact text.
    Decimal,
    /// Any text.
    Text,
    /// An http or https URL.
    Url,
    /// An http or https URL that may carry a credential: never shown, also read from a file.
    SecretUrl,
    /// A comma list of http or https URLs.
    Urls,
    /// A secret: never shown, also read from a file, and with a predecessor while it is rotated.
    Secret,
    /// A path of the file system.
    Path,
    /// A comma list of texts.
    List,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A number of bytes, with or without the suffix b, kb or mb (steps of 1024).
    ByteSize,
    /// This many hexadecimal digits.
    Hex {
        /// Number of digits.
        digits: usize,
    },
    /// The base58 text of 32 bytes.
    SolanaAddress,
    /// A comma list of base58 texts of 32 bytes.
    SolanaAddresses,
    /// A comma list of Discord user ids: numbers, which names are not.
    DiscordIds,
    /// An IP address and port.
    Socket,
    /// A comma list of IP addresses and CIDR networks, or `none`.
    Networks,
    /// The name of an HTTP header.
    HeaderName,
    /// A database URL, which may carry a password.
    Database,
    /// A comma list of desks.
    Desks,
    /// `system`, `manual:<unix ms>` or `x<factor>`.
    Clock,
}

impl Kind {
    /// The kind in a word or two, for the table of settings.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Kind::Flag => "flag",
            Kind::OnOff => "on/off",
            Kind::StoppedUnless(_) => "gate",
            Kind::Integer { .. } => "integer",
            Kind::Millis { .. } => "milliseconds",
            Kind::Seconds { .. } => "seconds",
            Kind::Decimal => "decimal",
            Kind::Text => "text",
            Kind::Url | Kind::SecretUrl => "URL",
            Kind::Urls => "list of URLs",
            Kind::Secret => "secret",
            Kind::Path => "path",
            Kind::List => "list",
            Kind::Choice(_) => "choice",
            Kind::ByteSize => "bytes",
            Kind::Hex { .. } => "hex",
            Kind::SolanaAddress => "Solana address",
            Kind::SolanaAddresses => "list of Solana addresses",
            Kind::DiscordIds => "list of Discord ids",
            Kind::Socket => "address and port",
            Kind::Networks => "list of networks",
            Kind::HeaderName => "header name",
            Kind::Database => "database URL",
            Kind::Desks => "list of desks",
            Kind::Clock => "clock",
        }
    }

    /// What a good value is, to complete the sentence "it must be ...".
    #[must_use]
    pub fn expectation(&self) -> String {
        match self {
            Kind::Flag => "one of true, 1, yes, on, false, 0, no, off".to_owned(),
            Kind::OnOff => "exactly on or off".to_owned(),
            Kind::StoppedUnless(running) => format!("exactly {running} to run, anything else to stop"),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Millis { min, max } => format!("a whole number of milliseconds from {min} to {max}"),
            Kind::Seconds { min, max } => format!("a whole number of seconds from {min} to {max}"),
            Kind::Decimal => "a decimal number such as 0.05, without sign or exponent".to_owned(),
            Kind::Text => "a text".to_owned(),
            Kind::Url | Kind::SecretUrl => "an http:// or https:// URL".to_owned(),
            Kind::Urls => "a comma list of http:// or https:// URLs".to_owned(),
            Kind::Secret => "a secret".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::List => "a comma list".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::ByteSize => "a number of bytes such as 65536, 64kb or 1mb".to_owned(),
            Kind::Hex { digits } => format!("{digits} hexadecimal digits"),
            Kind::SolanaAddress => "a Solana address (base58 of 32 bytes)".to_owned(),
            Kind::SolanaAddresses => "a comma list of Solana addresses (base58 of 32 bytes each)".to_owned(),
            Kind::DiscordIds => {
                "a comma list of Discord user ids such as 80351110224678912 (numbers; names can be taken over)"
                    .to_owned()
            }
            Kind::Socket => "an IP address and port such as 127.0.0.1:3000".to_owned(),
            Kind::Networks => "a comma list of IP addresses and networks such as 10.0.0.0/8".to_owned(),
            Kind::HeaderName => "the name of an HTTP header".to_owned(),
            Kind::Database => "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned(),
            Kind::Desks => "a comma list of rounds, faucet, commitments, trades, arena".to_owned(),
            Kind::Clock => "system, manual:<unix milliseconds> or x<factor from 1 to 1000>".to_owned(),
        }
    }

    /// Whether a blank text is a value to be judged rather than the same as unset: a stop switch and the list
    /// of desks must not fall back to a default because a template expanded to nothing.
    #[must_use]
    pub const fn judges_blank(&self) -> bool {
        matches!(self, Kind::OnOff | Kind::StoppedUnless(_) | Kind::Desks)
    }
}
