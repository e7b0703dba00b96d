# Lo que afecta a un cliente y no a un pedido en particular.

customer-restricted =
    .title = Sus pedidos están limitados durante un tiempo
    .text =
        Varios de sus pedidos no se pagaron a tiempo. Hasta el { $until } puede tener menos pedidos sin pagar a la vez y menos tiempo para pagarlos.

        Los pedidos que pague en el momento no se ven afectados. Si cree que se trata de un error, póngase en contacto con nosotros.
    .alternative = Varios de sus pedidos no se pagaron a tiempo. Puede tener menos pedidos sin pagar, y menos tiempo para pagarlos, hasta el { $until }. Si es un error, contáctenos.

customer-restriction-lifted =
    .title = Sus pedidos ya no están limitados
    .text =
        Puede pedir y pagar como antes.

        Gracias por su paciencia.
    .alternative = Sus pedidos ya no están limitados. Puede pedir y pagar como antes.
