"""The table of safeguards is true: each is where it says, each test exists; and, at length, each test notices."""

import ast
import random
import time

import pytest

from tests.rules import NOTICED, REPOSITORY, RULES, UNNOTICED, Rule, attempt_all, source

SECONDS_EACH = 8.0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_safeguard_is_there_once_and_its_test_exists(rule: Rule) -> None:
    assert rule.old != rule.new
    assert (REPOSITORY / source(rule)).read_text(encoding="utf-8").count(rule.old) == 1
    file, _, name = rule.test.partition("::")
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert not name or name.partition("[")[0] in there


def test_names_are_unique_and_promises_are_the_eight() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.promise for rule in RULES} <= set(range(1, 9))


def test_one_is_tried_and_a_test_that_does_not_notice_is_found() -> None:
    noticed = next(rule for rule in RULES if rule.name == "no lease outlives a second")
    assert attempt_all([noticed]) == {noticed.name: NOTICED}
    blind = Rule(
        2, "blind", noticed.file, noticed.old, noticed.new, "tests/test_link.py::test_a_message_arrives_whole"
    )
    assert attempt_all([blind]) == {"blind": UNNOTICED}


@pytest.mark.long
def test_each_test_notices_that_its_safeguard_is_gone(long_s: float) -> None:
    """All of them where there is time; else as many as there is, another choice each time."""
    rules = list(RULES)
    if long_s < SECONDS_EACH * len(rules):
        random.Random(time.time_ns()).shuffle(rules)
        rules = rules[: max(5, int(long_s / SECONDS_EACH))]
    found = attempt_all(rules)
    assert [name for name, how in found.items() if how == UNNOTICED] == []
