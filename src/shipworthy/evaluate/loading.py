"""Load a Python function from the product's folder, fresh each time."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from shipworthy.errors import SystemLoadError, nearest
from shipworthy.evaluate import reasons

__all__ = ["LoadedFunction", "hash_of_files", "is_async", "load_function"]

_KEPT = ("shipworthy", "__main__")

_lock = threading.Lock()
_folders: set[Path] = set()


@dataclass(frozen=True)
class LoadedFunction:
    """A function with what it was loaded from.

    Args:
        reference: `module:name` as written.
        call: The function.
        module: Its module.
        files: The source files in the product's folder that the import read, its own first.
    """

    reference: str
    call: Callable[..., Any]
    module: ModuleType
    files: tuple[Path, ...]


def load_function(reference: str, folder: Path, arguments: int) -> LoadedFunction:
    """Import a function with the folder first on the path, whatever was imported under that name before.

    Args:
        reference: `module:name`; the name may have dots.
        folder: The product's folder.
        arguments: How many arguments the function will be called with.

    Returns:
        The function and what it rests on.

    Raises:
        SystemLoadError: If the module cannot be imported (with file and line), has no such function, or the
            function does not take that many arguments.
    """
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise SystemLoadError(f"{reference!r} is no function", fix="Write it as module:name.")
    folder = folder.resolve()
    with _lock:
        module = _import_fresh(module_name, folder)
        files = _files_in(folder, module)
    call = _named(module, name, reference)
    _check_arguments(call, arguments, reference)
    return LoadedFunction(reference, call, module, files)


def hash_of_files(files: Iterable[Path], folder: Path) -> str:
    """Return the SHA-256 of files, by their names in the folder and their bytes.

    Args:
        files: Existing files.
        folder: The folder that their names are relative to, where they lie in it.
    """
    digest = hashlib.sha256()
    base = folder.resolve()
    for file in files:
        inside = file.resolve()
        name = inside.relative_to(base).as_posix() if inside.is_relative_to(base) else file.name
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def is_async(call: Callable[..., Any]) -> bool:
    """Tell whether a function, or an object that can be called, is written with `async def`."""
    called = inspect.getattr_static(type(call), "__call__", None)
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(called)


def _import_fresh(module_name: str, folder: Path) -> ModuleType:
    root = module_name.partition(".")[0]
    here = (folder / f"{root}.py").is_file() or (folder / root).is_dir()
    if here and root in sys.stdlib_module_names:
        raise SystemLoadError(
            f"A module called {root!r} hides Python's own",
            where=str(folder),
            fix=f"Rename it, for example to my_{root}.",
        )
    _folders.add(folder)
    _forget_products()
    if here and root not in _KEPT:
        _forget(root)
    path = str(folder)
    if path in sys.path:
        sys.path.remove(path)
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    # A cached bytecode file is trusted by time and size: an edit within the same second would go unseen.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise _load_error(error, module_name, folder) from error
    finally:
        sys.dont_write_bytecode = writes


def _forget_products() -> None:
    """Drop every module that came from a product's folder, so that two products never share one."""
    for root in {name for name, _, _ in _product_modules(_folders)}:
        _forget(root.partition(".")[0])


def _forget(root: str) -> None:
    for name in [name for name in sys.modules if name == root or name.startswith(f"{root}.")]:
        del sys.modules[name]


def _product_modules(folders: set[Path]) -> Iterator[tuple[str, ModuleType, Path]]:
    """Yield the modules whose top-level file or package lies directly in one of the folders.

    Directly, because a virtual environment may lie inside a product's folder.
    """
    modules = list(sys.modules.items())
    roots = {name for name, module in modules if "." not in name and _home(module) in folders}
    for name, module in modules:
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] in roots - set(_KEPT) and module is not None:
            yield name, module, Path(file) if file else Path()


def _home(module: ModuleType | None) -> Path | None:
    """Return the folder that holds a top-level module's file or a package's folder."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        path = Path(file)
        return path.parent.parent if path.name == "__init__.py" else path.parent
    for part in getattr(module, "__path__", ()):
        return Path(part).parent
    return None


def _files_in(folder: Path, module: ModuleType) -> tuple[Path, ...]:
    own = getattr(module, "__file__", None)
    read = {path for _, _, path in _product_modules({folder}) if path.suffix == ".py"}
    first = [Path(own)] if own else []
    return (*first, *sorted(read - set(first)))


def _named(module: ModuleType, name: str, reference: str) -> Callable[..., Any]:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            offered = [key for key in vars(module) if callable(vars(module)[key]) and key[0] != "_"]
            where = str(getattr(module, "__file__", module.__name__))
            what = f"No function {name!r} for {reference!r}"
            raise SystemLoadError(what, where=where, fix=nearest(name, offered))
        found = getattr(found, part)
    if not callable(found):
        kind = type(found).__name__
        raise SystemLoadError(f"{reference!r} is a {kind}, not a function", fix="Name a function.")
    return found  # type: ignore[no-any-return]


def _check_arguments(call: Callable[..., Any], arguments: int, reference: str) -> None:
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*range(arguments))
    except TypeError as error:
        code = getattr(call, "__code__", None)
        where = f"{code.co_filename}:{code.co_firstlineno}" if code else reference
        wanted = "one argument, the case's input" if arguments == 1 else "two arguments, (output, case)"
        raise SystemLoadError(
            f"{reference!r} cannot be called: {error}", where=where, fix=f"It is called with {wanted}."
        ) from error


def _load_error(error: BaseException, module_name: str, folder: Path) -> SystemLoadError:
    where = _place(error, folder)
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        missing = error.name
        if not where and (module_name == missing or module_name.startswith(f"{missing}.")):
            known = [path.stem for path in folder.glob("*.py")]
            return SystemLoadError(f"No module {missing!r}", where=str(folder), fix=nearest(missing, known))
        what = f"{module_name!r} needs the module {missing!r}, which is not installed"
        fix = f"Install it for the Python that runs Shipworthy: {sys.executable} -m pip install PACKAGE"
        return SystemLoadError(what, where=where or str(folder), fix=fix)
    what = f"{module_name!r} cannot be imported: {reasons.of_exception(error)}"
    return SystemLoadError(
        what, where=where or str(folder), fix=f"Try it alone: python -c 'import {module_name}'"
    )


def _place(error: BaseException, folder: Path) -> str:
    """Return file and line of the product's own code at which an import failed; empty where outside it."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""
