// SPDX-License-Identifier: GPL-2.0-or-later
/* leaf: one CPUID, as it is answered. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "detect.h"
#include "grid.h"
#include "numbers.h"

static const struct grid_column registers[] = {
	{ "LEAF", "leaf", GRID_HEX }, { "SUBLEAF", "subleaf", GRID_HEX },
	{ "EAX", "eax", GRID_HEX }, { "EBX", "ebx", GRID_HEX },
	{ "ECX", "ecx", GRID_HEX }, { "EDX", "edx", GRID_HEX },
};

#define NR_REGISTERS (sizeof(registers) / sizeof(*registers))

static struct cell number(uint32_t value)
{
	return (struct cell){ .type = CELL_NUMBER, .number = value };
}

static int print(const struct options *opt, uint32_t leaf, uint32_t subleaf,
		 const struct cpuid_regs *r)
{
	const struct cell cells[NR_REGISTERS] = {
		number(leaf), number(subleaf), number(r->eax), number(r->ebx), number(r->ecx),
		number(r->edx),
	};
	struct grid grid;
	int err = grid_begin(&grid, opt, "leaves", registers, NR_REGISTERS);

	if (!err)
		err = grid_row(&grid, cells);
	return grid_end(&grid, err);
}

int cmd_leaf(struct source *src, struct options *opt)
{
	uint32_t leaf, subleaf = 0;
	struct cpuid_regs regs;
	int err, end_err;

	for (int i = 0; i < opt->nr_args; i++) {
		if (!parse_u32(opt->args[i], i ? &subleaf : &leaf))
			continue;
		warnx("'%s' is no %s: it takes a number of 32 bits, decimal or hexadecimal with 0x",
		      opt->args[i], i ? "value of ECX" : "leaf");
		return -EINVAL;
	}
	err = source_begin(src);
	if (!err) {
		err = source_read(src, leaf, subleaf, &regs);
		end_err = source_end(src, !err);
		err = err ? err : end_err;
	}
	if (err == -EACCES) {
		const struct detection blocked = { .result = DETECTED_BLOCKED };

		warnx("CPUID is blocked: the operating system makes it fault in this process");
		return detection_status(&blocked);
	}
	if (err == -ERANGE) {
		warnx("the kernel's device takes an ECX of at most 0x7fffffff");
		return EXIT_FAILURE;
	}
	return err ? err : print(opt, leaf, subleaf, &regs);
}
