/* `fyke gen`: repeatable event streams with known answers. */
#ifndef FYKE_CLI_GEN_H
#define FYKE_CLI_GEN_H

extern const char gen_usage[]; /* all of --help */
/* argv[0] is the verb's name. Returns the exit code of the process. */
int gen_main(int argc, char **argv);

#endif
