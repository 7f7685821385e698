"""The addresses that the page answers to. Any other name is a foreign site's (DNS rebinding)."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from models.errors import UserError

HOST = re.compile(r"(?P<name>\[[\da-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?", re.I | re.A)
ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>.+)")
PORTS = {"http": 80, "https": 443}
OWN = ("localhost", "127.0.0.1", "::1")
SHARED = "gradio.live"
"""Domain of the addresses that Gradio gives away."""


@dataclass(frozen=True)
class Host:
    """A name and a port, as browsers send them.

    Attributes:
        name: in lower case; IPv6 addresses in their shortest form, without brackets.
        port: None if it is not said.
    """

    name: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Host:
        """Read "name", "name:port", "[::1]" or "[::1]:port".

        Raises:
            ValueError: it is something else.
        """
        found = HOST.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no host")
        name = found["name"].strip("[]").lower()
        if ":" in name:
            name = str(ip_address(name))
        return cls(name, int(found["port"]) if found["port"] else None)

    @property
    def is_literal(self) -> bool:
        """Whether the name is an IP address, which no name server can redirect."""
        try:
            ip_address(self.name)
        except ValueError:
            return False
        return True


class Addresses:
    """The addresses that the page answers to: this machine's own, and those of `--host`.

    Args:
        hosts: where the page listens, and further names, each with a port or for every port. An
            address for "everywhere", such as 0.0.0.0, stands for all IP addresses and for this
            machine's name.
        port: that the page listens on, of its own names and the first one.
        shared: whether it also has an address at gradio.live.

    Attributes:
        listen: the first host, in brackets if it is an IPv6 address.

    Raises:
        UserError: a host cannot be one.

    Example:
        >>> Addresses(["127.0.0.1", "actions.example"], 7860).allow("actions.example")
        True
    """

    def __init__(self, hosts: Sequence[str], port: int, shared: bool = False):
        first, *others = map(_parse, hosts)
        if first.port is not None:
            raise UserError(f"'{hosts[0]}': the port where the page listens is --port")
        self.listen = f"[{first.name}]" if ":" in first.name else first.name
        self._shared = shared
        self._known = {Host(name, port) for name in OWN} | {Host(first.name, port), *others}
        everywhere = [host for host in self._known if _is_everywhere(host)]
        self._literals = {host.port for host in everywhere}
        name = socket.gethostname().lower()
        self._known |= {Host(n, host.port) for host in everywhere for n in (name, f"{name}.local")}

    def allow(self, host: str) -> bool:
        """Whether the page answers to the value of a Host header."""
        try:
            asked = Host.parse(host)
        except ValueError:
            return False
        if asked.is_literal and self._literals & {asked.port, None}:
            return True
        if self._shared and asked.name.endswith(f".{SHARED}"):
            return True
        return not self._known.isdisjoint({asked, Host(asked.name)})


def same_origin(origin: str, host: str) -> bool:
    """Whether the value of an Origin header names the host of a Host header."""
    found = ORIGIN.fullmatch(origin)
    try:
        asking, asked = Host.parse(found["host"] if found else ""), Host.parse(host)
    except ValueError:
        return False
    assert found is not None
    default = PORTS[found["scheme"]]
    return (asking.name, asking.port or default) == (asked.name, asked.port or default)


def _parse(host: str) -> Host:
    try:
        bare = not host.startswith("[") and host.count(":") > 1
        return Host.parse(f"[{host}]" if bare else host)
    except ValueError as error:
        raise UserError(f"'{host}' is no host: give a name or an address, such as ::1") from error


def _is_everywhere(host: Host) -> bool:
    return host.is_literal and ip_address(host.name).is_unspecified
