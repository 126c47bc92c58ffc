"""Reads a JSON list of reports on standard input by a library that is not ours, and prints as JSON what it understood.

read.py junit XSD | har | testreport
"""

import json
import sys


def junit(text, xsd):
    from junitparser import JUnitXml
    from lxml import etree

    etree.XMLSchema(etree.parse(xsd)).assertValid(etree.fromstring(text.encode()))
    return [
        [case.classname, case.name, [type(result).__name__.lower() for result in case.result]]
        for suite in JUnitXml.fromstring(text.encode())
        for case in suite
    ]


def har(text):
    from haralyzer import HarEntry

    entries = [HarEntry(entry) for entry in json.loads(text)["log"]["entries"]]
    return [[entry.request.method, entry.request.url, entry.response.status, str(entry.startTime)] for entry in entries]


def testreport(text):
    from fhir.resources.R4B.testreport import TestReport

    report = TestReport.model_validate_json(text)
    # The model knows the required bindings as documentation only.
    assert report.status in {"completed", "in-progress", "waiting", "stopped", "entered-in-error"}, report.status
    assert report.result in {"pass", "fail", "pending"}, report.result
    tests = []
    for test in report.test or []:
        results = [action.assert_fhir.result for action in test.action]
        assert set(results) <= {"pass", "skip", "fail", "warning", "error"}, results
        tests.append([test.name, results])
    return {"result": report.result, "tests": tests}


if __name__ == "__main__":
    read, arguments = globals()[sys.argv[1]], sys.argv[2:]
    print(json.dumps([read(text, *arguments) for text in json.load(sys.stdin)]))
