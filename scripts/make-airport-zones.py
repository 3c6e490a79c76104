"""Writes data/airport-zones.json from the PyPI package airportsdata (MIT).

    pip install --target /tmp/airportsdata airportsdata==20260905
    PYTHONPATH=/tmp/airportsdata python3 scripts/make-airport-zones.py
"""
import collections
import importlib.metadata
import json
import pathlib

import airportsdata

codes_by_zone = collections.defaultdict(list)
# By the first character of the ICAO code, only so that no line gets too long to read.
codes_by_region = collections.defaultdict(list)
for code, airport in sorted(airportsdata.load("IATA").items()):
    if airport["tz"]:
        codes_by_zone[airport["tz"]].append(code)
    if airport["icao"]:
        codes_by_region[airport["icao"][0]].append(airport["icao"] + "=" + code)

version = importlib.metadata.version("airportsdata")
table = {
    "source": f"airportsdata {version} (PyPI), IATA code to IANA time zone, ICAO code to IATA code",
    "licence": "MIT, Copyright (c) 2020- Mike Borsetti; includes data from github.com/mwgg/Airports (MIT)",
    "madeBy": "scripts/make-airport-zones.py",
    "zones": {zone: " ".join(codes) for zone, codes in sorted(codes_by_zone.items())},
    "icao": {first: " ".join(sorted(pairs)) for first, pairs in sorted(codes_by_region.items())},
}
target = pathlib.Path(__file__).parent.parent / "data" / "airport-zones.json"
target.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
