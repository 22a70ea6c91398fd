"""THE table of options: what is made of it agrees with it, and nothing is said twice."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from mypy import api
from numpy.typing import ArrayLike

import kldiv_cli
from kldiv_cli import compare, losses
from kldiv_cli.errors import UsageError
from kldiv_cli.losses import LOSSES
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing.by_id import OnMissing
from kldiv_cli.pairing.classes import Wanted
from kldiv_cli.pairing.masks.mask import Means
from kldiv_cli.sources.base import Decimal, RawType
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.loss import loss
from kldiv_cli.tasks.opening.sides import Input
from kldiv_cli.tasks.options import LINES, Compare, Inspect, Loss, Verify, typed, words
from kldiv_cli.tasks.options.row import Option, Options
from kldiv_cli.tasks.plan import plan
from kldiv_cli.tasks.verify import verify
from tests.command import Golden

TASKS: dict[str, tuple[Callable[..., Any], type[Options], Any]] = {
    "compare": (compare, Compare, typed.CompareOptions),
    "plan": (plan, Compare, typed.CompareOptions),
    "verify": (verify, Verify, typed.VerifyOptions),
    "loss": (loss, Loss, typed.LossOptions),
    "inspect": (inspect, Inspect, typed.InspectOptions),
}
NAMES = {
    "Mode": Mode,
    "Kind": Kind,
    "OnMissing": OnMissing,
    "Wanted": Wanted,
    "Means": Means,
    "Decimal": Decimal,
    "RawType": RawType,
    "Input": Input,
    "ArrayLike": ArrayLike,
    "Callable": Callable,
    "Sequence": list,
    "Limits": Mapping[str, float],
}
"""What only type checkers import."""
PACKAGE = Path(kldiv_cli.__file__).parent


def keywords(table: type[Options]) -> dict[str, Option]:
    """The rows that Python takes by keyword."""
    return {x: row for x, row in table.table.items() if row.keyword and row.default is not ...}


def own_of_losses() -> set[str]:
    return {option.name for entry in LOSSES.rows().values() for option in entry.options}


class TestTypes:
    @pytest.mark.parametrize("task", TASKS)
    def test_the_keywords_are_the_rows(self, task: str) -> None:
        _, table, said = TASKS[task]
        more = own_of_losses() if task == "loss" else set()
        assert set(said.__annotations__) == set(keywords(table)) | more
        assert not set(keywords(table)) & more

    @pytest.mark.parametrize("task", TASKS)
    def test_their_types_are_the_rules(self, task: str) -> None:
        _, table, said = TASKS[task]
        hints = get_type_hints(said, vars(typed), NAMES)
        for name, row in keywords(table).items():
            assert allows(hints[name], None) == (row.default is None), name
            if row.default is not None:
                assert allows(hints[name], type(row.default)) or words_of(hints[name]), name
            if words_of(hints[name]):
                assert words_of(hints[name]) == set(row.known_words), name
            else:
                assert row.noun is None, name
            example = eval(row.example)  # noqa: S307 - from the table
            assert row.plain(name, example) is not None
            assert words_of(hints[name]) or allows(hints[name], type(example)), name

    def test_options_of_losses_have_the_types_of_their_rows(self) -> None:
        hints = get_type_hints(typed.LossOptions, vars(typed), NAMES)
        for name, row in losses.all_options().items():
            if row.choices:
                assert words_of(hints[name]) == set(row.choices), name
            else:
                assert hints[name] is row.type, name

    def test_that_check_sees_a_type(self) -> None:
        assert allows(str | None, None)
        assert not allows(str, None)
        assert allows(int | str, str)
        assert not allows(int, str)
        assert words_of(Literal["a", "b"] | None) == {"a", "b"}


def parts_of(hint: Any) -> list[Any]:
    if get_origin(hint) is Union or type(hint).__name__ == "UnionType":
        return [part for each in get_args(hint) for part in parts_of(each)]
    return [hint]


def allows(hint: Any, kind: type | None) -> bool:
    """Tell whether a type is one of those that a hint allows."""
    found = [type(None) if part is None else get_origin(part) or part for part in parts_of(hint)]
    wanted = type(None) if kind is None else kind
    return (
        any(isinstance(part, type) and issubclass(wanted, part) for part in found)
        or (wanted in (tuple, list, dict, str) and any(part in (list, Mapping) for part in found))
        or (callable(kind) and any(getattr(part, "__name__", "") == "Callable" for part in found))
    )


def words_of(hint: Any) -> set[str]:
    """The words of the literals of a hint."""
    literals = (part for part in parts_of(hint) if get_origin(part) is Literal)
    return {word for part in literals for word in get_args(part)}


class TestSignatures:
    @pytest.mark.parametrize("task", TASKS)
    def test_every_option_is_a_parameter_with_its_default(self, task: str) -> None:
        function, table, _ = TASKS[task]
        found = {
            name: x.default
            for name, x in signature(function).parameters.items()
            if x.kind is Parameter.KEYWORD_ONLY
        }
        assert found == {name: row.default for name, row in keywords(table).items()}

    @pytest.mark.parametrize("task", TASKS)
    def test_every_option_is_documented_once(self, task: str) -> None:
        function, table, _ = TASKS[task]
        lines = (function.__doc__ or "").splitlines()
        entries = [line.strip() for line in lines if line.startswith("    ") and " : " in line]
        named = [name for entry in entries for name in entry.partition(" : ")[0].split(", ")]
        for name in keywords(table):
            assert named.count(name) == 1, name
        assert max(map(len, lines)) <= 100

    @pytest.mark.parametrize("task", TASKS)
    def test_documentation(self, task: str, golden: Golden) -> None:
        golden(f"{TASKS[task][0].__doc__}\n")

    def test_a_typo_is_told_by_the_name_of_the_function(self) -> None:
        call: Any = inspect
        with pytest.raises(TypeError, match=r"inspect\(\) got an unexpected keyword .*'row_axis'"):
            call([[1.0]], row_axis=1)
        call = compare
        with pytest.raises(TypeError, match="unexpected keyword argument 'reference_kind'"):
            call([[1.0]], [[1.0]], reference_kind="probs")


class TestObject:
    def test_it_is_frozen(self) -> None:
        asked = Compare(reference=[[1.0]], candidate=[[1.0]], top=3)
        with pytest.raises(AttributeError, match="the options of a task do not change"):
            asked.top = 4
        assert asked.top == 3

    def test_it_is_filled_by_name_alone(self) -> None:
        make: Any = Compare
        with pytest.raises(TypeError, match="positional"):
            make([[1.0]], [[1.0]])
        with pytest.raises(TypeError, match="a required argument is missing"):
            make(reference=[[1.0]])

    def test_another_process_can_have_it(self) -> None:
        asked = Loss(name="torch", reference="a", candidate="b", rows=slice(3), reduction="sum")
        found = pickle.loads(pickle.dumps(asked))  # noqa: S301 - our own
        assert vars(found) == vars(asked)
        assert found.own == {"reduction": "sum"}

    def test_values_are_plain(self) -> None:
        asked = Compare(
            reference="a", candidate="b", top=np.int64(3), measure="kl", kind="probs",
            normalize=np.True_,
        )  # fmt: skip
        assert (asked.top, asked.measure, asked.kind) == (3, ("kl",), ("probs", "probs"))
        assert asked.normalize is True

    @pytest.mark.parametrize("command", LINES)
    def test_a_bare_line_has_the_defaults(self, command: str) -> None:
        line = LINES[command]
        asked = vars(line.of_line(dict.fromkeys(line.line())))
        for name, row in keywords(line).items():
            if name in asked:
                assert row.plain(name, asked[name]) == row.usual, name


class TestWords:
    def test_formats_are_those_of_the_registry(self) -> None:
        assert words.formats() == tuple(FORMATS)
        assert set(words.suffixes()) == {FORMATS[name].suffixes[0] for name in FORMATS}

    def test_a_word_that_is_none(self) -> None:
        for task, (_, table, _) in TASKS.items():
            given = dict.fromkeys(["name", "reference", "candidate", "file"], "x")
            given = {name: x for name, x in given.items() if name in table.table}
            for name, row in keywords(table).items():
                if row.noun is None:
                    continue
                with pytest.raises(UsageError) as caught:
                    table(**given, **{name: "bogus"})
                assert caught.value.what == f"no {row.noun} is called 'bogus'", (task, name)
                assert all(word in caught.value.advice for word in row.known_words)


MANY = 8


def parameters(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The functions of a module, and how many parameters each has beside self and ``**options``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            own = [x for x in named if x.arg not in ("self", "cls")]
            yield node.name, len(own) + (node.args.vararg is not None)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda x: x.stem)
def test_no_function_has_many_parameters(path: Path) -> None:
    found = list(parameters(ast.parse(path.read_text(encoding="utf-8"))))
    assert [name for name, count in found if count > MANY] == []


def test_that_check_counts_parameters() -> None:
    tree = ast.parse("class A:\n def f(self, a, /, b, *c, d=1, **e): pass\ndef g(): pass")
    assert list(parameters(tree)) == [("f", 4), ("g", 0)] or dict(parameters(tree)) == {
        "f": 4,
        "g": 0,
    }


RIGHT = """
import numpy as np
from kldiv_cli import Comparison, LossResult, compare, loss
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
result: Comparison = compare(
    "a.npy", np.ones((2, 3)), mode="sigmoid", kind=("probs", "logits"), limits={"mean": 0.1},
    measure=["kl", "js"], rows=slice(3), classes=[1, 2], threads=2, progress=None,
)
value: LossResult = loss("torch", "a", "b", reduction="sum", log_target=True, on_missing="skip")
verify("a", [[1.0]], temperature=2, truncate_classes=True)
inspect("a", input_format="npy", sample=3)
"""
WRONG = {
    'compare("a", "b", temprature=2.0)': 'Unexpected keyword argument "temprature"',
    'compare("a", "b", mode="relu")': "expected \"Literal['softmax', 'sigmoid']\"",
    'compare("a", "b", kind=("probs", "logit"))': 'Argument "kind" to "compare"',
    'compare("a", "b", top="3")': 'Argument "top" to "compare"',
    'compare("a", "b", "softmax")': "Too many positional arguments",
    'compare("a")': 'Missing positional argument "candidate"',
    'loss("torch", "a", "b", reduktion="sum")': 'Unexpected keyword argument "reduktion"',
    'loss("torch", "a", "b", reduction="some")': 'Argument "reduction" to "loss"',
    'loss("kd", "a", "b", nan_policy="drop")': 'Argument "nan_policy" to "loss"',
    'verify("a", "b", measure="kl")': 'Unexpected keyword argument "measure"',
    'inspect("a", key=3)': 'Argument "key" to "inspect"',
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, str]:
    """What mypy --strict says of each line of a caller, right and wrong in one run."""
    folder = tmp_path_factory.mktemp("caller")
    caller = folder / "caller.py"
    caller.write_text(RIGHT + "\n".join(WRONG) + "\n")
    out, err, _ = api.run(
        ["--strict", "--no-error-summary", "--hide-error-context", "--config-file=",
         "--follow-imports=silent", f"--cache-dir={folder / 'cache'}", str(caller)]
    )  # fmt: skip
    assert err == ""
    said: dict[int, str] = {}
    for line in out.splitlines():
        _, number, *rest = line.split(":", 2)
        said[int(number)] = said.get(int(number), "") + "".join(rest)
    return said


def test_right_calls_pass_mypy(checked: Mapping[int, str]) -> None:
    assert [number for number in checked if number <= RIGHT.count("\n")] == []


@pytest.mark.parametrize("call", WRONG)
def test_wrong_calls_do_not(checked: Mapping[int, str], call: str) -> None:
    number = RIGHT.count("\n") + 1 + list(WRONG).index(call)
    assert WRONG[call] in checked[number]
