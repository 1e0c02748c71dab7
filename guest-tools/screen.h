/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCREEN_H
#define SCREEN_H

/* A terminal that shows one page, again and again. */

#include <stdbool.h>

/* Whether standard output is a terminal that can. */
bool screen_possible(void);

/*
 * Takes the terminal: another page than the one before, keys come at once and unseen, and
 * messages on standard error wait.
 * screen_close() gives it back; it must be called before the program ends.
 */
void screen_open(void);
void screen_close(void);

/* How many rows and columns the window has now. */
void screen_size(int *rows, int *columns);

/* Shows the text, as much of it as the window has room for. */
void screen_show(const char *text);

/* The key that was pressed; 0: none, or standard input has ended. */
int screen_key(void);

#endif
