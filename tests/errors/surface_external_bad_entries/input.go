Entries that say nothing, too much, or nonsense.

-- overrides.toml --
[external."time.Time"]
import = "time"
why = "Neither builtin nor kind."

[external."time.Month"]
import = "time"
builtin = "timestamp"
kind = "int"
why = "Both."

[external."time.Weekday"]
import = "time"
kind = "int"
why = " "

[external."Weekday"]
import = "time"
kind = "int"
why = "No package."

[external."time.Location"]
import = "time"
kind = "map"
type = "map[string"
why = "No type."

[external."time.Ticker"]
import = "time"
kind = "integer"
why = "No kind of Go."
