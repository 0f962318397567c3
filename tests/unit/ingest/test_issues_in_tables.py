"""Every fault of a single table: which file, row and column, in which words."""

from __future__ import annotations

from typing import Any

import pytest

Desk = Any

NEURONS = "neuron_id,name\n1,A\n2,B\n"


def test_a_value_that_is_no_whole_number(desk: Desk) -> None:
    synapses = "synapse_id,pre_neuron_id,post_neuron_id\n1,1,2\n2,1.5,2\n3,1,x2\n"
    assert desk.refusal({"neurons.csv": NEURONS, "synapses.csv": synapses}) == [
        "synapses.csv, row 3, column pre_neuron_id: '1.5' is not a whole number",
        "synapses.csv, row 4, column post_neuron_id: 'x2' is not a whole number",
    ]


@pytest.mark.parametrize("value", ["1e3", "0x1F", "1_000", "12 3", "1.0"])
def test_what_an_engine_would_read_as_an_id_and_nobody_meant(desk: Desk, value: str) -> None:
    assert desk.refusal({"neurons.csv": f"neuron_id\n1\n2\n{value}\n"}) == [
        f"neurons.csv, row 4, column neuron_id: '{value}' is not a whole number"
    ]


def test_an_id_beyond_64_bits(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id\n1\n9223372036854775807\n9223372036854775808\n"}) == [
        "neurons.csv, row 4, column neuron_id: '9223372036854775808' is beyond 64 bits"
    ]


@pytest.mark.parametrize("value", ["", "  ", "NA", "nan", '""'])
def test_an_id_that_is_missing(desk: Desk, value: str) -> None:
    assert desk.refusal({"neurons.csv": f"neuron_id,name\n1,A\n{value},B\n"}) == [
        "neurons.csv, row 3, column neuron_id: is empty"
    ]


def test_a_number_that_is_none(desk: Desk) -> None:
    neurons = 'neuron_id,soma_x,soma_y\n1,1.5,NA\n2,"1,5",inf\n3,,NaN\n'
    assert desk.refusal({"neurons.csv": neurons}) == [
        "neurons.csv, row 3, column soma_x: '1,5' is not a number",
        "neurons.csv, row 3, column soma_y: 'inf' is not a number",
        "neurons.csv, row 4, column soma_y: 'NaN' is not a number; leave it empty where it is unknown",
    ]


@pytest.mark.parametrize("value", ["1_000", "0x1F", "1 2", "--1"])
def test_what_an_engine_would_read_as_a_number_and_nobody_meant(desk: Desk, value: str) -> None:
    assert desk.refusal({"neurons.csv": f"neuron_id,soma_x\n1,1.5\n2,{value}\n"}) == [
        f"neurons.csv, row 3, column soma_x: '{value}' is not a number"
    ]


def test_a_count_may_be_written_as_a_whole_decimal_only(desk: Desk) -> None:
    axons = "axon_id,neuron_id,terminal_count\n1,1,3.0\n2,1,3.5\n"
    assert desk.refusal({"neurons.csv": NEURONS, "axons.csv": axons}) == [
        "axons.csv, row 3, column terminal_count: '3.5' is not a whole number"
    ]


def test_a_required_column_that_is_missing(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": NEURONS, "synapses.csv": "synapse_id,pre_neuron_id\n1,1\n"}) == [
        "synapses.csv, column post_neuron_id: is missing: the postsynaptic neuron"
    ]


def test_an_unknown_column_with_the_nearest_name(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id,cell_clas,qqq\n1,a,b\n"}) == [
        "neurons.csv, column cell_clas: is not a column of neurons; did you mean cell_class?",
        "neurons.csv, column qqq: is not a column of neurons; ignore_columns in the metadata leaves it out",
    ]


def test_a_column_given_twice_or_without_a_name(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id,id,\n1,1,2\n"}) == [
        "neurons.csv, column id: is neuron_id a second time",
        "neurons.csv, row 1: column 3 has no name",
    ]


def test_duplicate_ids_name_both_rows(desk: Desk) -> None:
    neurons = "neuron_id,name\n7,A\n8,B\n7,C\n7,D\n"
    assert desk.refusal({"neurons.csv": neurons}) == [
        "neurons.csv, row 4, column neuron_id: '7' is already in row 2",
        "neurons.csv, row 5, column neuron_id: '7' is already in row 2",
    ]


@pytest.mark.parametrize("content", ["neuron_id,name\n", "neuron_id,name"])
@pytest.mark.parametrize("others", [{}, {"edges.csv": "pre,post\n1,2\n"}, {"edges.csv": "pre,post\n"}])
def test_neurons_without_rows(desk: Desk, content: str, others: dict[str, str]) -> None:
    assert desk.refusal({"neurons.csv": content, **others}) == [
        "neurons.csv: holds no neurons; list them, or leave the file out where other tables name them"
    ]


@pytest.mark.parametrize("name", ["connections.csv", "synapses.tsv"])
def test_neither_neurons_nor_rows(desk: Desk, name: str) -> None:
    separator = "\t" if name.endswith("tsv") else ","
    assert desk.refusal({name: f"pre{separator}post\n"}) == [
        f"{name}: holds no rows, and no neurons are given; add a neurons.csv"
    ]


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        ("nan", "'nan' is not a number; leave it empty where it is unknown"),
        ("inf", "'inf' is not a number"),
        ("7", "7 is not from 0 to 1"),
        ("-3", "-3 is not from 0 to 1"),
        ("1.0001", "1.0001 is not from 0 to 1"),
    ],
)
def test_a_confidence_that_is_none(desk: Desk, value: str, finding: str) -> None:
    synapses = f"pre,post,confidence\n1,2,0\n1,2,1\n2,1,{value}\n2,1,\n"
    assert desk.refusal({"neurons.csv": NEURONS, "synapses.csv": synapses}) == [
        f"synapses.csv, row 4, column confidence: {finding}"
    ]


@pytest.mark.parametrize(("column", "value"), [("soma_volume", "-0.5"), ("mitochondria_count", "-1")])
def test_sizes_and_counts_are_not_below_zero(desk: Desk, column: str, value: str) -> None:
    neurons = f"neuron_id,{column},soma_x\n1,0,-5\n2,{value},-6\n"
    assert desk.refusal({"neurons.csv": neurons}) == [
        f"neurons.csv, row 3, column {column}: {value} is below 0"
    ]


def test_a_file_without_anything(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": ""}) == [
        "neurons.csv: is empty; its first line must name the columns"
    ]


@pytest.mark.parametrize("name", ["neurons.csv", "neurons.csv.gz"])
def test_a_row_with_the_wrong_number_of_fields(desk: Desk, name: str) -> None:
    assert desk.refusal({name: "neuron_id,name\n1,A\n2\n3,C\n4,D,E\n"}) == [
        f"{name}, row 3: has 1 field where the header has 2, separated by commas",
        f"{name}, row 5: has 3 fields where the header has 2, separated by commas",
    ]


def test_a_quote_that_never_ends(desk: Desk) -> None:
    neurons = 'neuron_id,name\n1,A\n2,"B\n3,C\n'
    assert desk.refusal({"neurons.csv": neurons}) == [
        "neurons.csv, row 3: opens a quote that is never closed"
    ]


@pytest.mark.parametrize(
    ("rest", "finding"),
    [
        ('2,"B\n3,C\n4,"D"\n', "row 3: opens a quote that is not closed where its field ends"),
        ('2,"B"x\n', "row 3: has text behind a closing quote; within a quoted text, write a quote twice"),
    ],
)
def test_quotes_in_the_wrong_places(desk: Desk, rest: str, finding: str) -> None:
    assert desk.refusal({"neurons.csv": f"neuron_id,name\n1,A\n{rest}"}) == [f"neurons.csv, {finding}"]


def test_a_header_that_opens_a_quote(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": '"neuron_id,name\n1,A\n2,B\n'}) == [
        "neurons.csv, row 1: the first line opens a quote and does not close it"
    ]


def test_rows_are_the_lines_of_an_editor(desk: Desk) -> None:
    neurons = 'neuron_id,name,description\r\n1,A,"two\r\nlines"\r\n\r\n2,B,"three\n\nlines"\r\nx,C,\r\n'
    assert desk.refusal({"neurons.csv": neurons}) == [
        "neurons.csv, row 8, column neuron_id: 'x' is not a whole number"
    ]


def test_rows_stay_exact_beside_broken_ones(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id,name\n1\n2,B\nx,C\n"}) == [
        "neurons.csv, row 2: has 1 field where the header has 2, separated by commas",
        "neurons.csv, row 4, column neuron_id: 'x' is not a whole number",
    ]


def test_text_that_is_not_utf8(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id,name\n1,A\n2,Größe\n".encode("latin-1")}) == [
        "neurons.csv, row 3: is not UTF-8 (byte 0xf6)"
    ]


def test_text_that_ends_within_a_character(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id,name\n1,ö".encode()[:-1]}) == [
        "neurons.csv, row 2: is not UTF-8 (it ends within a character)"
    ]


def test_a_spreadsheet_under_the_wrong_name(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": b"neuron_id\n1\nPK\0\0"}) == [
        "neurons.csv, row 3: holds a NUL byte, so it is no text"
    ]


@pytest.mark.parametrize("content", [b"\x1f\x8bno gzip at all", b"\x1f\x8b"])
def test_a_broken_gzip_file(desk: Desk, content: bytes) -> None:
    assert desk.refusal({"neurons.csv.gz": content}) == ["neurons.csv.gz: is not a whole gzip file"]


def test_mixed_line_ends(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": "neuron_id,name\r\n1,A\n2,B\r\n"}) == [
        "neurons.csv: mixes the line ends of Windows and Unix, or a line is over 2 MB"
    ]


def test_twenty_findings_a_file_and_how_many_more(desk: Desk) -> None:
    findings = desk.refusal({"neurons.csv": "neuron_id\n" + "1\n" * 40 + "x\n" * 30})
    assert findings[0] == "neurons.csv, row 42, column neuron_id: 'x' is not a whole number"
    assert len(findings) == 21
    assert findings[-1] == "neurons.csv: and 49 more"


def test_a_long_value_is_shown_short(desk: Desk) -> None:
    assert desk.refusal({"neurons.csv": f"neuron_id\n1\n2\n{'x' * 100}\n"}) == [
        f"neurons.csv, row 4, column neuron_id: '{'x' * 57}…' is not a whole number"
    ]


@pytest.mark.parametrize(
    ("name", "content", "findings"),
    [
        ("neurons.csv", "cell_class\nx\n", ["neuron_id: is missing: the neuron, unique within the dataset"]),
        (
            "edges.csv",
            "post,weight\n1,2\n",
            ["pre_neuron_id: is missing: the presynaptic neuron, by id or name"],
        ),
        ("vesicles.csv", "vesicle_id\n1\n", ["neuron_id: is missing: the neuron it belongs to"]),
    ],
)
def test_a_table_without_its_keys_is_not_searched_further(
    desk: Desk, name: str, content: str, findings: list[str]
) -> None:
    assert desk.refusal({name: content}) == [f"{name}, column {finding}" for finding in findings]


def test_data_without_a_header(desk: Desk) -> None:
    told = "the first line must name the columns, for example"
    assert desk.refusal({"edges.csv": "1,2,5\n2,1,3\n"}) == [
        f"edges.csv, row 1: {told} pre,post,synapses; it is '1,2,5'"
    ]
    assert desk.refusal({"edges.csv": "AVAL;AVAR\nAVAR;AVAL\n"}) == [
        f"edges.csv, row 1: {told} pre,post,synapses; it is 'AVAL,AVAR'"
    ]
    assert desk.refusal({"edges.csv": "pre,post\n1,2\n", "neurons.csv": "1,AVAL\n2,AVAR\n"}) == [
        f"neurons.csv, row 1: {told} neuron_id; it is '1,AVAL'"
    ]


def test_a_header_of_misspelt_names_is_told_name_by_name(desk: Desk) -> None:
    findings = desk.refusal({"edges.csv": "pree,postt,synapsess\n1,2,3\n"})
    assert (
        findings[0] == "edges.csv, column pree: is not a column of an edge list; did you mean pre or pre_id?"
    )


@pytest.mark.parametrize(
    ("name", "first", "finding"),
    [
        (
            "edges.csv",
            "pre post synapses",
            "the first line, 'pre post synapses', is separated by spaces; "
            "separate fields by commas, semicolons or tabs",
        ),
        (
            "edges.tsv",
            "pre  post",
            "the first line, 'pre  post', is separated by spaces; separate fields by tabs",
        ),
        (
            "edges.csv",
            "pre|post",
            "the first line, 'pre|post', is separated by bars; separate fields by commas, semicolons or tabs",
        ),
        (
            "edges.tsv",
            "pre,post,synapses",
            "the first line is separated by commas, not tabs: rename the file to .csv",
        ),
        (
            "edges.tsv.gz",
            "pre;post",
            "the first line is separated by semicolons, not tabs: rename the file to .csv",
        ),
    ],
)
def test_separators_that_are_not_read(desk: Desk, name: str, first: str, finding: str) -> None:
    rest = first.replace("pre", "1").replace("post", "2").replace("synapses", "3")
    assert desk.refusal({name: f"{first}\n{rest}\n"}) == [f"{name}, row 1: {finding}"]


def test_rows_separated_otherwise_than_the_header(desk: Desk) -> None:
    assert desk.refusal({"edges.csv": "pre,post\n1 2\n"}) == [
        "edges.csv, row 2: has 1 field where the header has 2, separated by commas"
    ]
