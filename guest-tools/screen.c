// SPDX-License-Identifier: GPL-2.0-or-later
#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* What every terminal of today understands (ECMA-48, xterm's second page). */
#define SECOND_PAGE	"\033[?1049h\033[?25l"	/* without a cursor */
#define FIRST_PAGE	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_REST	"\033[J"

static struct termios before;
static bool keys_changed;

/* Messages would go with the second page: they are kept for the first. */
static FILE *messages;
static int standard_error;

static void hold_messages(void)
{
	messages = isatty(STDERR_FILENO) ? tmpfile() : NULL;
	if (!messages)
		return;
	standard_error = dup(STDERR_FILENO);
	if (standard_error >= 0)
		dup2(fileno(messages), STDERR_FILENO);
}

static void show_messages(void)
{
	int c;

	if (!messages)
		return;
	if (standard_error >= 0) {
		dup2(standard_error, STDERR_FILENO);
		close(standard_error);
	}
	rewind(messages);
	while ((c = getc(messages)) != EOF)
		putc(c, stderr);
	fclose(messages);
	messages = NULL;
}

bool screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

void screen_open(void)
{
	struct termios keys;

	if (!tcgetattr(STDIN_FILENO, &before)) {
		keys = before;
		keys.c_lflag &= ~(ICANON | ECHO);
		keys_changed = !tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
	}
	hold_messages();
	fputs(SECOND_PAGE, stdout);
}

void screen_close(void)
{
	fputs(FIRST_PAGE, stdout);
	fflush(stdout);
	if (keys_changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	keys_changed = false;
	show_messages();
}

void screen_size(int *rows, int *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
		*rows = size.ws_row;
		*columns = size.ws_col;
	}
}

void screen_show(const char *text)
{
	int rows, columns;

	screen_size(&rows, &columns);
	fputs(HOME, stdout);
	for (int row = 0; row < rows && *text; row++) {
		int len = strcspn(text, "\n");

		/* No line feed after the last row, which would scroll. */
		printf("%s%.*s%s", row ? "\r\n" : "", len < columns ? len : columns, text,
		       len < columns ? CLEAR_LINE : "");
		text += len;
		text += *text == '\n';
	}
	fputs(CLEAR_REST, stdout);
	fflush(stdout);
}

int screen_key(void)
{
	unsigned char key;

	return read(STDIN_FILENO, &key, 1) == 1 ? key : 0;
}
