"""Attributes that are computed when they are first asked for."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class lazy(Generic[Value]):
    """A property that is computed once for each object, like ``functools.cached_property``.

    Before Python 3.12, that one holds a lock of all objects while it computes: threads wait for
    each other, and a process that is forked meanwhile waits forever. Here threads may compute a
    value twice instead.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy[Value]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> "Value | lazy[Value]":
        if instance is None:
            return self
        # Without __set__, the object's own entry is what is found from now on.
        return vars(instance).setdefault(self._name, self._compute(instance))  # type: ignore[no-any-return]
