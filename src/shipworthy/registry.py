"""The one registration mechanism: a kind of plug-in, its folder, and a third party's entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from shipworthy.errors import UsageError, nearest

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind, found by walking a package and an entry-point group.

    Args:
        kind: What one of them is called in messages, such as "metric".
        package: Dotted name of the package whose modules register themselves when imported.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._walked = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its argument under `name`.

        Args:
            name: The word users write.

        Raises:
            ValueError: If the name is taken by something else.
        """

        def file_under_name(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return file_under_name

    def get(self, name: str) -> T:
        """Return what is filed under `name`.

        Raises:
            UsageError: If nothing is, with the nearest valid name.
        """
        self._walk()
        if name not in self._entries:
            raise UsageError(f"No {self.kind} named {name!r}.", fix=nearest(name, self._entries))
        return self._entries[name]

    def names(self) -> list[str]:
        """Return all names, sorted."""
        self._walk()
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        self._walk()
        return name in self._entries

    def __iter__(self) -> Iterator[tuple[str, T]]:
        self._walk()
        return iter(sorted(self._entries.items()))

    def _walk(self) -> None:
        if self._walked:
            return
        self._walked = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__, prefix=f"{self._package}."):
            importlib.import_module(module.name)
        for point in entry_points(group=f"shipworthy.{self.kind}s"):
            point.load()
