# SPDX-License-Identifier: MIT
#
# Sets `code` to the line without comments and with the insides of strings and character constants blanked. Programs of
# text.sh are appended to this one.
BEGIN {
    quote = sprintf("%c", 39)
}
FNR == 1 {
    in_comment = 0
}
{
    code = ""
    for (i = 1; i <= length($0); i++) {
        two = substr($0, i, 2)
        one = substr($0, i, 1)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; i++ }
        } else if (two == "/*") {
            in_comment = 1; i++
        } else if (one == "\"" || one == quote) {
            code = code one
            for (i++; i <= length($0) && substr($0, i, 1) != one; i++) {
                if (substr($0, i, 1) == "\\") { code = code " "; i++ }
                code = code " "
            }
            code = code one
        } else {
            code = code one
        }
    }
}
