# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The configurations in which everything must pass (matrix.txt), for scripts that run from the root of the tree.

# matrix_rows [SUITE]: the properties of all rows, or of those that are for SUITE, one a line.
matrix_rows()
{
    awk -v suite="${1:-}" '
        /^#/ || NF == 0 { next }
        suite == "" { print $1; next }
        { for (i = 2; i <= NF; i++) { if ($i == suite) { print $1 } } }' tests/matrix.txt
}
