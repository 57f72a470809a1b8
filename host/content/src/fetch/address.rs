//! Which addresses may be asked: checked where a name is resolved, so that neither a
//! redirect nor a name that changes its address gets around it.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::error::{Error, Result};

/// What may be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddressPolicy {
    /// Refuse addresses of private networks and of this machine too. Off by default:
    /// mirrors of mirrors inside a company are what this server is for.
    pub deny_private: bool,
}

impl AddressPolicy {
    /// Why an address may not be asked.
    pub fn problem(self, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        let link_local = match address {
            // Where clouds keep their machines' credentials.
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => {
                v6.is_unicast_link_local() || v6.segments()[..3] == [0xfd00, 0xec2, 0]
            }
        };
        if link_local {
            return Some("is a link-local address");
        }
        if address.is_unspecified() || address.is_multicast() {
            return Some("is not the address of a host");
        }
        if let IpAddr::V4(v4) = address
            && v4.is_broadcast()
        {
            return Some("is not the address of a host");
        }
        let private = match address {
            IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback(),
        };
        (private && self.deny_private).then_some("is an address of a private network")
    }

    /// Refuses a URL whose host is an address that may not be asked. Names are checked
    /// when they are resolved.
    pub fn check(self, url: &Url) -> Result<()> {
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            _ => return Ok(()),
        };
        match self.problem(address) {
            Some(problem) => Err(Error::denied(format!(
                "{} may not be asked: {address} {problem}",
                super::without_credentials(url)
            ))),
            None => Ok(()),
        }
    }
}

/// Resolves names with the system's resolver and drops what may not be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver(pub(super) AddressPolicy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let mut refused = None;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| match policy.problem(address.ip()) {
                    Some(problem) => {
                        refused = Some(format!(
                            "{host} may not be asked: {} {problem}",
                            address.ip()
                        ));
                        false
                    }
                    None => true,
                })
                .collect();
            if allowed.is_empty() {
                let why = refused.unwrap_or_else(|| format!("{host} has no address"));
                return Err(why.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_never_asked() {
        let policy = AddressPolicy::default();
        for denied in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            assert!(
                policy
                    .problem(denied.parse().expect("an address"))
                    .is_some(),
                "{denied}"
            );
        }
        for allowed in ["127.0.0.1", "10.0.0.1", "192.0.2.1", "2001:db8::1"] {
            assert!(
                policy
                    .problem(allowed.parse().expect("an address"))
                    .is_none(),
                "{allowed}"
            );
        }
        let strict = AddressPolicy { deny_private: true };
        assert!(
            strict
                .problem("127.0.0.1".parse().expect("an address"))
                .is_some()
        );
    }
}
