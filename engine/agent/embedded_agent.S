// The static agents, as data of the library; that for Windows is empty where it could not be compiled.
        .macro mark name
        .globl kiln_embedded_\name
        .hidden kiln_embedded_\name
kiln_embedded_\name:
        .endm

        .section .rodata
        .balign 16
        mark linux_agent_begin
        .incbin KILN_AGENT_FILE
        mark linux_agent_end
        .balign 16
        mark windows_agent_begin
#ifdef KILN_WINDOWS_AGENT_FILE
        .incbin KILN_WINDOWS_AGENT_FILE
#endif
        mark windows_agent_end
        .section .note.GNU-stack, "", %progbits
