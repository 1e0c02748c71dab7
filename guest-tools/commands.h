/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMANDS_H
#define COMMANDS_H

/* Every command, each in its own cmd-*.c; see struct command. */

#include "options.h"

extern const struct command commands[];
extern const size_t nr_commands;

/* Bits of the commands, for options that only some take. */
enum {
	CMD_TABLE = 1, CMD_CHECK = 2, CMD_STAT = 4, CMD_WATCH = 8, CMD_RECORD = 16,
	CMD_REPORT = 32, CMD_BENCH = 64, CMD_LEAF = 128, CMD_LIST = 256, CMD_METRICS = 512,
};

/* INTERVAL and COUNT of watch and record.  0, or -1 with a message. */
int parse_series_arguments(struct options *opt);

int cmd_table(struct source *src, struct options *opt);
int cmd_check(struct source *src, struct options *opt);
int cmd_stat(struct source *src, struct options *opt);
int cmd_watch(struct source *src, struct options *opt);
int cmd_record(struct source *src, struct options *opt);
int cmd_report(struct source *src, struct options *opt);
int cmd_bench(struct source *src, struct options *opt);
int cmd_leaf(struct source *src, struct options *opt);
int cmd_list(struct source *src, struct options *opt);
int cmd_metrics(struct source *src, struct options *opt);

#endif
