# Disputas, para comercios.

dispute-opened =
    .title = Un cliente disputa { $amount }: se necesitan pruebas
    .text =
        Un cliente disputa { $amount } del pedido { $order } ante su banco.

        Presente sus pruebas antes del { $evidence_due_at }. Sin ellas, es probable que la disputa se decida en su contra. No reembolse el dinero disputado: se devolvería dos veces.
    .alternative = Pedido { $order }: hay { $amount } en disputa. Presente sus pruebas antes del { $evidence_due_at }. No reembolse el dinero disputado.

dispute-opened-no-response =
    .title = Un cliente disputa { $amount }
    .text =
        Un cliente disputa { $amount } del pedido { $order } ante su banco.

        A este tipo de disputa no se puede responder. No reembolse el dinero disputado: se devolvería dos veces.
    .alternative = Pedido { $order }: hay { $amount } en disputa. A este tipo de disputa no se puede responder. No reembolse el dinero disputado.

dispute-deadline-near =
    .title = Vence el plazo de pruebas de una disputa de { $amount }
    .text =
        Las pruebas de la disputa de { $amount } del pedido { $order } deben presentarse antes del { $evidence_due_at }. { $hours_left ->
            [one] Queda { $hours_left } hora.
           *[other] Quedan { $hours_left } horas.
        }

        Lo que no haya presentado hasta entonces no se tendrá en cuenta.
    .alternative = Pedido { $order }: presente las pruebas de la disputa de { $amount } antes del { $evidence_due_at }. { $hours_left ->
            [one] Queda { $hours_left } hora.
           *[other] Quedan { $hours_left } horas.
        }

dispute-escalated =
    .title = Se ha escalado una disputa de { $amount }
    .text =
        La disputa de { $amount } del pedido { $order } ha pasado al siguiente nivel.

        Ocúpese de ella ahora.
    .alternative = Pedido { $order }: la disputa de { $amount } ha pasado al siguiente nivel. Ocúpese de ella ahora.

dispute-won =
    .title = Una disputa se ha decidido a su favor
    .text =
        La disputa del pedido { $order } se ha decidido a su favor.

        Recupera { $amount }.
    .alternative = Pedido { $order }: la disputa se ha decidido a su favor. Recupera { $amount }.

dispute-lost =
    .title = Una disputa se ha decidido a favor del cliente
    .text =
        La disputa del pedido { $order } se ha decidido a favor del cliente.

        El cliente se queda con { $amount }.
    .alternative = Pedido { $order }: la disputa se ha decidido a favor del cliente. El cliente se queda con { $amount }.
