#ifndef FYKE_CLI_HELP_H
#define FYKE_CLI_HELP_H

/* `fyke help E0203`. Returns an exit code. */
int help_code(const char *code);

#endif
