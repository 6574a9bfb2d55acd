"""The package itself: what it shows, its stubs, and how little it loads."""

import ast
import subprocess
import sys
import unittest
from pathlib import Path

import genkidama

PACKAGE = Path(genkidama.__file__).parent


def names_of(stub):
    tree = ast.parse((PACKAGE / stub).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}


class Package(unittest.TestCase):
    def test_importing_it_loads_no_numpy(self):
        code = "import sys, genkidama; print('numpy' in sys.modules, genkidama.__version__)"
        shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        self.assertEqual(shown.split(), ["False", genkidama.__version__])

    def test_all_that_it_shows_is_documented(self):
        for name in genkidama.__all__:
            self.assertTrue(getattr(genkidama, name).__doc__, name)
        for kind in (genkidama.Environment, genkidama.Policy):
            for name, member in vars(kind).items():
                if not name.startswith("_"):
                    self.assertTrue(member.__doc__, name)

    def test_the_stubs_name_what_there_is(self):
        stubs = names_of("__init__.pyi")
        for name in set(genkidama.__all__) - {"__version__"}:
            self.assertIn(name, stubs)
        for kind in (genkidama.Environment, genkidama.Policy):
            stubbed = {node.name for node in stubs[kind.__name__].body if isinstance(node, ast.FunctionDef)}
            self.assertEqual(stubbed, {name for name in vars(kind) if not name.startswith("_")})
        self.assertTrue((PACKAGE / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
