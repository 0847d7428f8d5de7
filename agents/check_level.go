package agents

import "strconv"

// CheckLevelParam is the parameter of a monitor operation that says how deep
// it looks (OCF_CHECK_LEVEL of the OCF API).
const CheckLevelParam = "OCF_CHECK_LEVEL"

// CheckLevel is how deep a monitor shall look: 0, the default, is quick; 10
// asks the service itself; 20 may cost something. It is taken from the
// operation's parameters, else from Meta; what is no number counts as 0.
func (r Request) CheckLevel() int {
	text := r.Params[CheckLevelParam]
	if text == "" {
		text = r.Meta[CheckLevelParam]
	}
	level, err := strconv.Atoi(text)
	if err != nil || level < 0 {
		return 0
	}
	return level
}
