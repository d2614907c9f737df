# Completion of sluice for bash: verbs, flags, and the names of connections, syncs and models of the configuration.
# The program itself knows what may stand where; this only asks it.
_sluice() {
	local IFS=$'\n'
	COMPREPLY=($(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT "${COMP_WORDS[0]}" complete 2>/dev/null))
}
complete -o default -F _sluice sluice
