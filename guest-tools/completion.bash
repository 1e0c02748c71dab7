# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of cpuid-probe in bash.  What there is to choose from comes from the
# program itself, so that it never differs.

_cpuid_probe() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local program=${COMP_WORDS[0]} command='' words='' list at=2
	local -a help

	[[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} != -* ]] && command=${COMP_WORDS[1]}
	help=("$program" ${command:+"$command"} --help)
	COMPREPLY=()

	# In --from=FILE, bash sees three words.
	[[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $current == '=' ]] && current=

	# Behind the command that stat runs stand that command's own arguments.
	if [[ $command == stat ]]; then
		while ((at < COMP_CWORD)); do
			case ${COMP_WORDS[at]} in
			-[rRosp] | --repeat | --reasons | --output | --sort | --pid | --from | --dump | --to)
				((at += 2))
				[[ ${COMP_WORDS[at - 1]} == '=' ]] && ((at++))
				;;
			--) ((at++)) && break ;;
			-*) ((at++)) ;;
			*) break ;;
			esac
		done
		((at < COMP_CWORD)) && previous=--from
		[[ $previous == -r ]] && return
	fi

	case $previous in
	--from | --dump | --svg | --to | --compare)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	-c | --count | --repeat)
		return
		;;
	-s | --sort | -o | --output)
		case $command in
		record | metrics)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			return
			;;
		esac
		words=$("${help[@]}" 2>/dev/null | sed -n '/^Columns:/,/^$/s/^  \([^ ]*\) .*/\1/p')
		;;
	-R | --reasons)
		words=$("$program" list --raw --noheadings 2>/dev/null | cut -d ' ' -f 3)
		;;
	-p | --pid)
		words=$(cd /proc && echo [0-9]*)
		;;
	*)
		if [[ $current == -* ]]; then
			words=$("${help[@]}" 2>/dev/null | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\) .*/\2/p')
		elif [[ $COMP_CWORD -eq 1 ]]; then
			words=$("${help[@]}" 2>/dev/null | sed -n '/^Commands/,/^$/s/^  \([^ ]*\) .*/\1/p')
		elif [[ $command == report ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
			return
		elif [[ $command == stat ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$current")
			return
		fi
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
		;;
	esac
	# Lists of names: what stands before the last comma stays.
	list=
	[[ $current == +* && $previous != -R && $previous != --reasons ]] && list=+
	[[ $current == *,* && $previous != -s && $previous != --sort ]] && list=${current%,*},
	# Names are taken in any case.
	current=${current#"$list"}
	mapfile -t COMPREPLY < <(compgen -P "$list" -W "$words" -- "${current^^}")
}

complete -F _cpuid_probe cpuid-probe
