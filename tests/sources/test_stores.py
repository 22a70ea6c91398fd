"""Inputs that a URI names: on file://, and in a file system of another scheme."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from kldiv_cli import compare
from kldiv_cli.errors import InputError, redacted
from kldiv_cli.sources.base import Layout, Shards
from kldiv_cli.sources.formats.opening import files_of, open_source
from kldiv_cli.sources.stores import remote as stores
from kldiv_cli.sources.stores.uris import hidden
from tests.command import Kldiv
from tests.sources.test_shards import CUTS, FORMATS, LOGITS, OTHER, csv, npy, npz, shard

REMOTE = ("npy", "csv", "parquet")


@pytest.fixture(params=["file", "sub"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URI of a folder, of a scheme that PyArrow knows or of one that it does not."""
    if request.param == "file":
        return tmp_path.as_uri()
    system = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setitem(stores.SYSTEMS, "sub", lambda _: (system, ""))
    stores.system_of.cache_clear()
    return "sub://host"


def complaint(uri: str) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        list(open_source(uri, Layout()).blocks(3))
    assert "\n" not in caught.value.what + caught.value.advice
    return caught.value.what, caught.value.advice


@pytest.mark.parametrize("name", REMOTE)
def test_a_file_is_what_it_is_here(tmp_path: Path, root: str, name: str) -> None:
    FORMATS[name](tmp_path / "p q%25", LOGITS)
    FORMATS[name](tmp_path / "other", OTHER)
    uri = f"{root}/p%20q%2525.{name}"
    found = compare(uri, tmp_path / f"other.{name}")
    expected = compare(tmp_path / f"p q%25.{name}", tmp_path / f"other.{name}")
    np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
    assert found.reference.path == uri
    assert found.reference.shape == expected.reference.shape
    assert open_source(uri, Layout()).rows_expected == 23


@pytest.mark.parametrize("name", REMOTE)
@pytest.mark.parametrize("glob", ["", "/", "/part-*"])
def test_folders_and_globs_are_shards(tmp_path: Path, root: str, name: str, glob: str) -> None:
    shard(tmp_path / "p q", LOGITS, FORMATS[name])
    uri = f"{root}/p%20q{glob}"
    source = open_source(uri, Layout())
    assert (source.path, source.shards) == (uri, Shards(len(CUTS) - 1))
    rows = np.concatenate([block.values for block in source.blocks(4)])
    np.testing.assert_array_equal(rows.astype(np.float32), LOGITS)


def test_hidden_files_are_passed_over(tmp_path: Path, root: str) -> None:
    folder = shard(tmp_path / "p", LOGITS)
    (folder / "_SUCCESS").touch()
    assert open_source(f"{root}/p", Layout()).shards == Shards(4, ("_SUCCESS",))


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*/part-[0-5].npy", ["a/part-0", "a/part-5", "b/part-0", "b/part-5"]),
        ("**/part-10.npy", ["a/part-10", "b/c/part-10", "b/part-10"]),
        ("b/**/part-15.npy", ["b/c/part-15", "b/part-15"]),
        ("b/*/*15.npy", ["b/c/part-15"]),
    ],
)
def test_globs(tmp_path: Path, root: str, glob: str, found: list[str]) -> None:
    for name in ("a", "b", "b/c"):
        shard(tmp_path / name, LOGITS)
    (tmp_path / "a" / ".part-10.npy").touch()
    assert files_of(f"sub://host/{glob}" if root.startswith("sub") else f"{root}/{glob}") == tuple(
        f"{root if root.startswith('sub') else tmp_path}/{name}.npy" for name in found
    )


def test_a_row_is_named(tmp_path: Path, root: str) -> None:
    values = LOGITS.copy()
    values[19, 2] = np.nan
    shard(tmp_path / "p", values, csv)
    with pytest.raises(InputError) as caught:
        compare(f"{root}/p", f"{root}/p")
    assert caught.value.what == (
        f"{root}/p: row 19 (r19), row 11 of {root}/p/part-10.csv, line 13, class 'c': expected a "
        "finite logit or -inf, found NaN"
    )


class TestErrors:
    def test_nothing_there(self, root: str) -> None:
        assert complaint(f"{root}/x.npy") == (
            f"{root}/x.npy: expected a file, found nothing there",
            "Check the URI.",
        )

    def test_a_glob_without_a_match(self, root: str) -> None:
        assert complaint(f"{root}/x/*.npy")[0] == (
            f"{root}/x/*.npy: expected files of logits, found nothing there, and none that it "
            "matches as a glob"
        )

    def test_an_empty_folder(self, tmp_path: Path, root: str) -> None:
        (tmp_path / "p").mkdir()
        assert complaint(f"{root}/p")[0] == (
            f"{root}/p: expected files of logits, found a directory without any"
        )

    def test_a_folder_among_the_files(self, tmp_path: Path, root: str) -> None:
        (shard(tmp_path / "p", LOGITS) / "more").mkdir()
        assert complaint(f"{root}/p") == (
            f"{root}/p: expected files of logits, found the directory {root}/p/more among them",
            f"Name the files that belong together by a quoted glob, as in '{root}/p/**/*.npy'.",
        )

    def test_a_foreign_file(self, tmp_path: Path, root: str) -> None:
        (shard(tmp_path / "p", LOGITS) / "README.md").write_text("# Logits")
        what, advice = complaint(f"{root}/p")
        assert what.startswith(f"{root}/p/README.md: expected logits that content or suffix tells")
        assert advice == (
            f"Name the files that belong together by a quoted glob, as in '{root}/p/*.npy'."
        )

    def test_a_format_that_is_mapped(self, tmp_path: Path, root: str) -> None:
        npz(tmp_path / "p", LOGITS)
        assert complaint(f"{root}/p.npz")[0] == (
            f"{root}/p.npz: expected a format that can be read where it lies, found npz, which is "
            "mapped"
        )

    def test_a_cut_array(self, tmp_path: Path, root: str) -> None:
        npy(tmp_path / "p", LOGITS)
        path = tmp_path / "p.npy"
        path.write_bytes(path.read_bytes()[:-1])
        assert complaint(f"{root}/p.npy")[0] == (
            f"{root}/p.npy: expected 368 bytes of float32 for shape (23, 4), found 367"
        )

    def test_an_empty_file(self, tmp_path: Path, root: str) -> None:
        (tmp_path / "p.npy").touch()
        assert complaint(f"{root}/p.npy")[0] == (
            f"{root}/p.npy: expected logits, found an empty file"
        )

    @pytest.mark.parametrize("scheme", ["http", "https", "azure"])
    def test_an_unknown_scheme(self, scheme: str) -> None:
        assert complaint(f"{scheme}://host/x.npy")[0] == (
            f"{scheme}://host/x.npy: expected a URI that begins with s3://, gs://, hdfs://, "
            f"file://, found {scheme}://"
        )

    @pytest.mark.parametrize(
        "uri",
        ["s3://?x", "s3:///x.npy", "file://host/x.npy", "hdfs://[/x.npy", "gs://b/x y?a b"],
    )
    def test_a_uri_that_is_none(self, uri: str) -> None:
        what, advice = complaint(uri)
        assert what.startswith(f"{uri}: expected an object that can be read, found: ")
        assert advice == "Check the URI, the credentials and the network; or copy the file here."

    def test_what_a_store_says_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: str) -> tuple[fs.FileSystem, str]:
            raise OSError("no\nsuch " + "bucket " * 99)

        monkeypatch.setitem(stores.SYSTEMS, "sub", refuse)
        stores.system_of.cache_clear()
        assert complaint("sub://host/x.npy")[0] == (
            "sub://host/x.npy: expected an object that can be read, found: no"
        )


class TestCredentials:
    """They go to the store, and nowhere else."""

    @pytest.fixture
    def asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Return with what roots a store is asked that is a folder here."""
        system = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
        roots: list[str] = []

        def answer(root: str) -> tuple[fs.FileSystem, str]:
            roots.append(root)
            return system, ""

        monkeypatch.setitem(stores.SYSTEMS, "sub", answer)
        stores.system_of.cache_clear()
        return roots

    @pytest.mark.parametrize(
        ("root", "query", "shown"),
        [
            ("sub://me:SECRET@one", "", "sub://***@one{}"),
            ("sub://me:p@SECRET@other", "", "sub://***@other{}"),
            ("sub://SECRET@one:80", "", "sub://***@one:80{}"),
            ("sub://one", "?access_key=SECRET", "sub://one{}?access_key=***"),
            (
                "sub://one",
                "?region=x&token=SECRET&scheme=http",
                "sub://one{}?region=x&token=***&scheme=http",
            ),
            ("sub://me:SECRET@one", "?token=SECRET", "sub://***@one{}?token=***"),
        ],
    )
    def test_results_are_without(
        self, tmp_path: Path, asked: list[str], root: str, query: str, shown: str
    ) -> None:
        shard(tmp_path / "p", LOGITS, csv)
        npy(tmp_path / "labels", np.zeros(len(LOGITS), int))
        sides = f"{root}/p/*.csv{query}", f"{root}/p{query}"
        found = compare(*sides, labels=f"{root}/labels.npy{query}")
        assert (found.reference.path, found.candidate.path) == (
            shown.format("/p/*.csv"),
            shown.format("/p"),
        )
        assert "SECRET" not in repr(found)
        assert set(asked) == {f"{root}/{query}"}

    @pytest.mark.parametrize("form", ["table", "markdown", "json"])
    def test_reports_are_without(self, kldiv: Kldiv, tmp_path: Path, form: str) -> None:
        npy(tmp_path / "p", LOGITS)
        uri = (tmp_path / "p.npy").as_uri()
        found = kldiv("compare", *[f"{uri}?secret_key=SECRET"] * 2, "--format", form)
        said = found.out.replace("\\", "")
        assert (found.code, f"{uri}?secret_key=***" in said) == (0, True)
        assert "SECRET" not in found.out + found.err

    @pytest.mark.parametrize("command", ["compare", "inspect", "verify"])
    def test_errors_are_without(self, kldiv: Kldiv, tmp_path: Path, command: str) -> None:
        folder = shard(tmp_path / "p", LOGITS, csv)
        (folder / "part-10.csv").write_text("name,a,b,c,d\nx,1,2,3,4\ny,1,2,3,y\n")
        uri = f"{folder.as_uri()}?secret_key=SECRET"
        found = kldiv(command, uri, *([uri] if command != "inspect" else []))
        assert (found.code, found.out) == (2, "")
        assert found.err.startswith(
            f"kldiv: error: {folder.as_uri()}/part-10.csv?secret_key=***: line 3, column 'd': "
        )
        assert "SECRET" not in found.err

    def test_what_a_store_says_is_without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(root: str) -> tuple[fs.FileSystem, str]:
            raise OSError(f"{'x' * 170}: cannot parse '{root}'")

        monkeypatch.setitem(stores.SYSTEMS, "sub", refuse)
        stores.system_of.cache_clear()
        said = complaint("sub://me:SECRET@host/x.npy?token=SECRET")[0]
        assert said.endswith("x: cannot parse 'sub://***@host...")
        assert "SECRET" not in said

    def test_two_accounts_at_one_place(self, tmp_path: Path, asked: list[str]) -> None:
        npy(tmp_path / "p", LOGITS)
        npy(tmp_path / "q", OTHER)
        found = compare("sub://a:FIRST@two/p.npy", "sub://b:SECOND@two/q.npy")
        assert (found.reference.path, found.candidate.path) == (
            "sub://***@two/p.npy",
            "sub://***2@two/q.npy",
        )
        assert asked == ["sub://a:FIRST@two/", "sub://b:SECOND@two/"]

    def test_a_slash_in_a_secret(self) -> None:
        assert complaint("s3://KEY:SEC/RET@bucket/x.npy") == (
            "s3://***@bucket/x.npy: expected credentials without /, found one",
            "Write it as %2F; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead.",
        )

    @pytest.mark.parametrize(
        "uri",
        [
            "gs://anonymous@bucket/x.npy",
            "s3://bucket/me@home/x.npy?region=eu-west-1&endpoint_override=localhost:1&scheme=http",
            "hdfs://host:9000/a:b@c.npy",
        ],
    )
    def test_what_is_no_secret_stays(self, uri: str) -> None:
        assert hidden(uri) == uri
        assert redacted(f"{uri}: expected '{uri}', found {uri}") == (
            f"{uri}: expected '{uri}', found {uri}"
        )


def test_hdfs_without_hadoop_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HADOOP_HOME", "JAVA_HOME", "ARROW_LIBHDFS_DIR"):
        monkeypatch.delenv(name, raising=False)
    started = time.monotonic()
    assert re.match(r"hdfs://h:1/x.npy: expected an object .*lib", complaint("hdfs://h:1/x.npy")[0])
    assert time.monotonic() - started < 10


def test_an_output_that_is_an_input_is_refused(kldiv: Kldiv, tmp_path: Path) -> None:
    npy(tmp_path / "p", LOGITS)
    uri = (tmp_path / "p.npy").as_uri()
    found = kldiv("compare", uri, uri, "-o", tmp_path / "p.npy")
    assert found.err.startswith(
        f"kldiv: error: {tmp_path}/p.npy: expected a new output, found one that is an input\n"
    )


def test_the_table_names_the_uri(kldiv: Kldiv, tmp_path: Path) -> None:
    npy(tmp_path / "p", LOGITS)
    uri = (tmp_path / "p.npy").as_uri()
    assert f"reference p  {uri}  npy float32 23 x 4\n" in kldiv("compare", uri, uri).out


def test_local_tables_load_no_file_system(tmp_path: Path) -> None:
    import subprocess

    csv(tmp_path / "p", LOGITS)
    code = (
        "import sys, kldiv_cli; from kldiv_cli import compare; "
        f"compare({str(tmp_path / 'p.csv')!r}, {str(tmp_path / 'p.csv')!r}); "
        "sys.exit('pyarrow._s3fs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_arrow_does_not_do_is_an_error_of_the_object() -> None:
    """It is neither an `OSError` nor a `ValueError`."""
    with pytest.raises(InputError, match="found: no such thing"), stores._telling("s3://b/x.npy"):
        raise pa.ArrowNotImplementedError("no such thing")


def test_the_name_of_a_bucket_is_no_glob() -> None:
    assert stores._parts("s3://b*") == ("s3://b*", None, "")
