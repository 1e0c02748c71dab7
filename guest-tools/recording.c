// SPDX-License-Identifier: GPL-2.0-or-later
#include "recording.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_FORMAT "leaf subleaf eax ebx ecx edx, each 1 to 8 hexadecimal digits"
#define STAMP_FORMAT "@ SECONDS.NNNNNNNNN SECONDS.NNNNNNNNN COUNT"

#define NS_PER_S 1000000000u
#define NS_DIGITS 9

/* The bound keeps a file that is no text, such as a device, from filling memory. */
#define LINE_SIZE 1024

enum line { LINE_NONE, LINE_TEXT, LINE_CUT_SHORT, LINE_BAD };

static int bad_line(const struct reader *r, const char *why)
{
	warnx("'%s' line %lu: %s", r->path, r->line, why);
	return -1;
}

/* The next line that is neither empty nor a comment, without either and newline. */
static enum line read_line(struct reader *r, char line[LINE_SIZE])
{
	while (fgets(line, LINE_SIZE, r->file)) {
		size_t len = strlen(line);
		bool whole = len && line[len - 1] == '\n';

		r->line++;
		if (!whole && (!len || !feof(r->file))) {
			bad_line(r, "too long, or not text");
			return LINE_BAD;
		}
		if (whole)
			line[len - 1] = '\0';
		line[strcspn(line, "#")] = '\0';
		if (line[strspn(line, " \t")])
			return whole ? LINE_TEXT : LINE_CUT_SHORT;
	}
	if (!ferror(r->file))
		return LINE_NONE;
	warn("cannot read '%s'", r->path);
	return LINE_BAD;
}

static bool is_blank_or_end(char c)
{
	return !c || c == ' ' || c == '\t';
}

/* Takes one hexadecimal number off the text at *pos; false if there is none. */
static bool take_hex(const char **pos, uint32_t *value)
{
	size_t digits = 0;

	*pos += strspn(*pos, " \t");
	*value = 0;
	for (; isxdigit((unsigned char)**pos); (*pos)++, digits++) {
		char digit[2] = { **pos };

		if (digits == 8)
			return false;
		*value = *value << 4 | strtoul(digit, NULL, 16);
	}
	/* A number ends at white space or at the end, not at any other junk. */
	return digits && is_blank_or_end(**pos);
}

/* The same for up to max_digits decimal ones; whatever ends them is left to the caller. */
static bool take_decimal(const char **pos, size_t max_digits, size_t *digits, uint64_t *value)
{
	*value = 0;
	for (*digits = 0; isdigit((unsigned char)**pos); (*pos)++, (*digits)++) {
		if (*digits == max_digits)
			return false;
		*value = *value * 10 + (**pos - '0');
	}
	return *digits > 0;
}

/* Seconds with nine decimals: ten digits before them fit into 64 bits of nanoseconds. */
static bool take_seconds(const char **pos, uint64_t *ns)
{
	uint64_t seconds, fraction;
	size_t digits;

	*pos += strspn(*pos, " \t");
	if (!take_decimal(pos, 10, &digits, &seconds) || *(*pos)++ != '.' ||
	    !take_decimal(pos, NS_DIGITS, &digits, &fraction) || digits != NS_DIGITS ||
	    !is_blank_or_end(**pos))
		return false;
	*ns = seconds * NS_PER_S + fraction;
	return true;
}

static bool parse_stamp(const char *line, struct stamp *stamp, uint64_t *count)
{
	const char *pos = line + strspn(line, " \t") + 1;
	size_t digits;

	if (!take_seconds(&pos, &stamp->real_ns) || !take_seconds(&pos, &stamp->boot_ns))
		return false;
	pos += strspn(pos, " \t");
	return take_decimal(&pos, 4, &digits, count) && !pos[strspn(pos, " \t")] &&
	       *count <= ANSWERS_MAX;
}

/* NULL, or what is wrong with this answer. */
static const char *add_answer(struct answers *set, const char *line)
{
	struct answer *before;
	uint32_t number[6];
	struct cpuid_regs regs;

	for (size_t i = 0; i < sizeof(number) / sizeof(*number); i++)
		if (!take_hex(&line, &number[i]))
			return "expected " ANSWER_FORMAT;
	if (line[strspn(line, " \t")])
		return "more than six numbers; expected " ANSWER_FORMAT;

	regs = (struct cpuid_regs){ number[2], number[3], number[4], number[5] };
	before = answers_find(set, number[0], number[1]);
	if (before && before->fresh)
		return "this leaf and subleaf were answered before; remove one of the lines";
	if (!before && set->nr == ANSWERS_MAX)
		return "too many answers for a recording";
	if (answers_set(set, number[0], number[1], &regs))
		return "out of memory";
	if (before)
		before->fresh = true;
	return NULL;
}

static bool is_stamp(const char *line)
{
	return line[strspn(line, " \t")] == '@';
}

/* A file without stamps: all of it, from the line that was read already. */
static int read_untimed(struct reader *r, struct answers *set, char *line)
{
	enum line kind = LINE_TEXT;

	for (; kind == LINE_TEXT || kind == LINE_CUT_SHORT; kind = read_line(r, line)) {
		const char *wrong = is_stamp(line) ? "a reading begins after answers without one" :
						     add_answer(set, line);

		if (wrong)
			return bad_line(r, wrong);
	}
	r->ended = true;
	r->readings++;
	return kind == LINE_BAD ? -1 : 1;
}

/* 0: cut short */
static int read_timed(struct reader *r, struct answers *set, char *line, struct stamp *stamp)
{
	uint64_t count;

	if (!is_stamp(line) || !parse_stamp(line, stamp, &count))
		return bad_line(r, "expected " STAMP_FORMAT);
	for (; count; count--) {
		enum line kind = read_line(r, line);
		const char *wrong;

		if (kind == LINE_BAD)
			return -1;
		if (kind != LINE_TEXT)
			return 0;
		wrong = is_stamp(line) ? "the reading before lacks answers" : add_answer(set, line);
		if (wrong)
			return bad_line(r, wrong);
	}
	r->readings++;
	return 1;
}

int reader_open(struct reader *r, FILE *file, const char *path)
{
	*r = (struct reader){ .path = path, .file = file };
	if (!r->file) {
		warn("cannot open '%s'", path);
		return -1;
	}
	return 0;
}

int reader_next(struct reader *r, struct answers *set, struct stamp *stamp)
{
	char line[LINE_SIZE];
	enum line kind;
	int got = 0;

	*stamp = (struct stamp){ 0 };
	if (r->ended)
		return 0;
	answers_age(set);
	kind = read_line(r, line);
	if (kind == LINE_BAD)
		return -1;
	if (kind != LINE_NONE && !r->readings && !is_stamp(line))
		return read_untimed(r, set, line);
	if (kind == LINE_TEXT)
		got = read_timed(r, set, line, stamp);
	if (got)
		return got;

	r->ended = true;
	if (!r->readings) {
		warnx("'%s' holds no %sCPUID answer; record one with --dump", r->path,
		      kind == LINE_NONE ? "" : "complete ");
		return -1;
	}
	if (kind != LINE_NONE)
		warnx("'%s' ends in the middle of a reading, which is left out", r->path);
	return 0;
}

void reader_close(struct reader *r)
{
	if (r->file)
		fclose(r->file);
	*r = (struct reader){ 0 };
}

static int write_failed(const struct writer *w)
{
	warn("cannot write '%s'", w->path);
	return -1;
}

static int write_all(struct writer *w, const char *text, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(w->fd, text + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			write_failed(w);
			/* A pipe or device cannot be cut; a reader sees that it is incomplete. */
			if (done && ftruncate(w->fd, w->complete) == 0)
				lseek(w->fd, w->complete, SEEK_SET);
			return -1;
		}
		done += n;
	}
	w->complete += size;
	return 0;
}

int writer_open(struct writer *w, const char *path)
{
	static const char head[] =
		"# CPUID answers recorded by cpuid-probe; replay with --from.\n"
		"# @ time-of-day time-since-boot number-of-answers\n"
		"# leaf subleaf eax ebx ecx edx\n";

	*w = (struct writer){ .path = path };
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (w->fd < 0)
		return write_failed(w);
	if (write_all(w, head, sizeof(head) - 1)) {
		close(w->fd);
		w->fd = -1;
		return -1;
	}
	return 0;
}

int writer_add(struct writer *w, struct answers *set, const struct stamp *stamp)
{
	size_t count = 0, size;
	char *text = NULL;
	FILE *memory;
	int ret;

	for (size_t i = 0; i < set->nr; i++)
		count += set->list[i].fresh;
	memory = open_memstream(&text, &size);
	if (!memory) {
		warnx("out of memory");
		return -1;
	}
	fprintf(memory, "@ %" PRIu64 ".%09" PRIu64 " %" PRIu64 ".%09" PRIu64 " %zu\n",
		stamp->real_ns / NS_PER_S, stamp->real_ns % NS_PER_S,
		stamp->boot_ns / NS_PER_S, stamp->boot_ns % NS_PER_S, count);
	for (size_t i = 0; i < set->nr; i++) {
		const struct answer *a = &set->list[i];

		if (a->fresh)
			fprintf(memory, "%08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32
				" %08" PRIx32 " %08" PRIx32 "\n", a->leaf, a->subleaf,
				a->regs.eax, a->regs.ebx, a->regs.ecx, a->regs.edx);
	}
	if (fclose(memory)) {
		warnx("out of memory");
		ret = -1;
	} else {
		ret = write_all(w, text, size);
	}
	free(text);
	if (!ret)
		answers_age(set);
	return ret;
}

int writer_close(struct writer *w)
{
	int ret = 0;

	if (w->fd >= 0 && close(w->fd))
		ret = write_failed(w);
	w->fd = -1;
	return ret;
}
