"""Writes data/airports.json, the airports of the shipped flights, from the PyPI package airportsdata (MIT).

    pip install --target /tmp/airportsdata airportsdata==20260905
    PYTHONPATH=/tmp/airportsdata python3 scripts/make-airports.py
"""
import gzip
import importlib.metadata
import json
import pathlib

import airportsdata

data = pathlib.Path(__file__).parent.parent / "data"
with gzip.open(data / "nyc2013-h1.legs.txt.gz", "rt") as pack:
    codes = sorted(json.loads(pack.readline())["tz"])

known = airportsdata.load("IATA")
fields = ["name", "city", "subd", "country", "lat", "lon", "elevation"]
version = importlib.metadata.version("airportsdata")
lines = ",\n".join(
    f"  {json.dumps(code)}: " + json.dumps([known[code][field] for field in fields], ensure_ascii=False)
    for code in codes
)
head = {
    "source": f"airportsdata {version} (PyPI)",
    "licence": "MIT, Copyright (c) 2020- Mike Borsetti; includes data from github.com/mwgg/Airports (MIT)",
    "madeBy": "scripts/make-airports.py",
    "fields": ["name", "city", "state", "country", "latitude", "longitude", "elevation, feet"],
}
text = json.dumps(head, indent=1, ensure_ascii=False)[:-2] + ',\n "airports": {\n' + lines + "\n }\n}\n"
(data / "airports.json").write_text(text)
